// SPDX-License-Identifier: GPL-2.0
//
// A version 1 entry between its guest and a Xen that maps whenever it may, for a domain that means
// no good: granted, ended (now or deferred), its page freed, granted again for another page.
//
// Stores may reach memory in another order than they were made, unless the core orders them: the
// guest's stores go through a buffer of one slot per field, flushed in any order.
//
//   model      source
//   grant()    entry_grant() of src/core/grant_entry.cc; xg_fast_open() of fast_paths.h
//   try_end()  close_v1() of src/core/grant_entry.cc; xg_fast_close() of fast_paths.h
//   revoke()   entry_revoke() of src/core/grant_entry.cc: the end is deferred
//
// One caller ends its own grant here; ends.pml has several.
//
// Rules: Xen maps only what was granted, domain and frame of one grant; no page is freed while it
// is mapped or can be.
//
// Wrong on purpose:
//   FLAGS_EARLY  nothing orders the flags after domid and frame
//   ASK_FIRST    the end asks whether the entry is in use, then closes it (XSA-396)
//   PUT_BUSY     a busy end puts the page at once
//   REVOKE_ALL   a deferred end takes Xen's status bits out of the entry as well

#define PERMIT  1
#define READING 8

byte flags, domid, frame;     // the entry in memory
bool buffered[3];             // flags, domid, frame on their way
byte value[3];
byte granted_domid, granted_frame; // what the guest means now
bool freed[3];                // pages 1 and 2
byte mapped;                  // the frame that is mapped, or 0

inline store_to(field, v) { atomic { value[field] = v; buffered[field] = true } }

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

// One read, one compare-and-swap, which also waits for the buffer.
inline try_end(ended)
{
	byte seen;
	!buffered[0] && !buffered[1] && !buffered[2];
	seen = flags;
	if
	:: seen & READING -> ended = false
	:: else ->
#ifdef ASK_FIRST
		flags = 0;
		ended = true
#else
		atomic {
			if
			:: flags == seen -> flags = 0; ended = true
			:: else -> ended = false
			fi
		}
#endif
	fi
}

inline revoke()
{
#ifdef REVOKE_ALL
	flags = 0
#else
	flags = flags & READING // one step: fetch_and()
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
		// Busy: the page stays. The caller tries again, or defers the end: the permission goes
		// now, and the worker looks again until the other side lets go.
		if
		:: !ended -> revoke()
		:: true
		fi;
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

// Xen, for domain 1 or 2: flags and domid are one word, changed by compare-and-swap; the frame is
// read once the status is set.
active proctype Xen()
{
	byte seen_flags, as;
end:	do
	:: !mapped ->
		if
		:: as = 1
		:: as = 2
		fi;
		atomic {
			seen_flags = flags;
			if
			:: seen_flags == PERMIT && domid == as -> flags = PERMIT | READING
			:: else -> seen_flags = 0
			fi
		};
		if
		:: seen_flags ->
			atomic {
				mapped = frame;
				assert(mapped == granted_frame && as == granted_domid);
				assert(!freed[mapped])
			}
		:: else
		fi
	:: mapped -> atomic { mapped = 0; flags = flags & PERMIT }
	od
}
