// SPDX-License-Identifier: GPL-2.0
//
// A version 2 entry between its guest and a Xen that maps whenever it may, for a domain that means
// no good. The status is a word of its own, which only Xen writes: no compare-and-swap covers both.
// The guest closes the flags and then looks at the status; Xen sets the status and then looks
// at the flags again. With a full barrier in between on either side one of the two sees the other.
//
// Stores may reach memory later, and in another order, than they were made: the guest's go through
// a buffer of one slot per field, flushed in any order; a barrier waits until it is empty.
//
//   model      source
//   grant()    entry_grant() of src/core/grant_entry.cc
//   try_end()  close_v2() of src/core/grant_entry.cc
//
// One caller ends its own grant here; ends_word.pml has several.
//
// Rules: Xen maps only what was granted, domain and frame of one grant; no page is freed while it
// is mapped or can be.
//
// Wrong on purpose:
//   FLAGS_EARLY  nothing orders the flags after domid and frame
//   ASK_FIRST    the end asks whether the entry is in use, then closes it (XSA-396)
//   NO_BARRIER   the end looks at the status while its store to the flags may be on its way
//   PUT_BUSY     a busy end puts the page at once
//   XEN_ONCE     a Xen that does not look at the flags again: shows what the protocol rests on

#define PERMIT  1
#define READING 8

byte flags, domid, frame;     // the entry in memory
byte status;                  // in memory; Xen's stores are not delayed
bool buffered[3];             // flags, domid, frame on their way
byte value[3];
byte granted_domid, granted_frame; // what the guest means now
bool freed[3];                // pages 1 and 2
byte mapped;                  // the frame that is mapped, or 0

inline store_to(field, v) { atomic { value[field] = v; buffered[field] = true } }
inline full_barrier() { !buffered[0] && !buffered[1] && !buffered[2] }

inline flush(field)
{
	atomic {
		buffered[field] -> buffered[field] = false;
		if
		:: field == 0 -> flags = value[0]
		:: field == 1 -> domid = value[1]
		:: field == 2 -> frame = value[2]
		fi
	}
}

// The processor's store buffer.
active proctype Buffer()
{
end:	do
	:: flush(0)
	:: flush(1)
	:: flush(2)
	od
}

inline grant(d, f)
{
	atomic { granted_domid = d; granted_frame = f; freed[f] = false };
	store_to(1, d);
	store_to(2, f);
#ifndef FLAGS_EARLY
	!buffered[1] && !buffered[2]; // release: before the flags
#endif
	store_to(0, PERMIT)
}

inline try_end(ended)
{
#ifdef ASK_FIRST
	ended = !(status & READING);
	if
	:: ended -> store_to(0, 0); full_barrier()
	:: else
	fi
#else
	store_to(0, 0);
#ifndef NO_BARRIER
	full_barrier();
#endif
	ended = !(status & READING)
#endif
}

inline put(f)
{
	atomic {
		assert(mapped != f); // freed while mapped
		freed[f] = true
	}
}

active proctype Guest()
{
	bool ended;
	byte round;
	do
	:: round < 2 ->
		round++;
		grant(round, round);
		try_end(ended);
#ifdef PUT_BUSY
		put(round);
#endif
		// Busy: the page stays; the worker looks again until the other side lets go.
		do
		:: ended -> break
		:: else -> try_end(ended)
		od;
#ifndef PUT_BUSY
		put(round)
#endif
	:: else -> break
	od
}

// Xen, for domain 1 or 2. Flags and domid are one word.
active proctype Xen()
{
	bool open;
	byte as;
end:	do
	:: !mapped ->
		if
		:: as = 1
		:: as = 2
		fi;
		open = flags == PERMIT && domid == as;
		if
		:: open ->
			status = status | READING;
#ifndef XEN_ONCE
			open = flags == PERMIT && domid == as;
#endif
			if
			:: open ->
				atomic {
					mapped = frame;
					assert(mapped == granted_frame && as == granted_domid);
					assert(!freed[mapped])
				}
			:: else -> status = 0
			fi
		:: else
		fi
	:: mapped -> atomic { mapped = 0; status = 0 }
	od
}
