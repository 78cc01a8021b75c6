// SPDX-License-Identifier: GPL-2.0
//
// Several calls that end or defer one grant of a version 1 table at the same time: which of them
// wins, and what the winner's plain store of the state word may meet.
//
//   model           source
//   close()         close_v1() of src/core/grant_entry.cc; xg_fast_close() of fast_paths.h
//   end_of()        Grants::end_of(), lost(), not_granted() of src/core/grants.cc
//   defer()         Grants::end_or_defer() after "busy", entry_revoke(), DeferredEnds::add()
//   end_fast()      xg_quick_end_and_free() of src/core/fast_paths.h
//   free(), put()   RefAllocator::free(), free_owned(); xg_fast_put()
//   take()          xg_grant_new_fast(), and RefAllocator::refill() when the cache is empty
//   Worker          DeferredEnds::work(): pop(), try_end(), finish()
//   Domain          the other domain, for which Xen sets and clears the status bit at any moment
//
// The owner grants the reference ROUNDS times, for pages 1 and 2, and ends each grant. WRONG calls
// come in at any moment that end, defer or free the same reference, though it is not theirs; with
// two of them two wrong calls also meet each other, when the owner has finished. Every atomic
// operation is one step, so the winner's store may come any number of steps after its
// compare-and-swap. (entry.pml: how the stores of one grant reach the entry. late_store.pml: a
// wrong caller that grants.)
//
// Rules:
//   while the domain can reach a page, no call reports the end of access and nobody frees the page;
//   each grant is ended or deferred by exactly one call;
//   a reference is free at most once, and is in one place;
//   no deferred end is lost, and none is queued twice.
//
// Wrong on purpose:
//   WORD_FIRST    the word is stored before the entry's compare-and-swap, and restored when busy
//   STORE_ENTRY   the entry is closed with a plain store; ALONE leaves the domain out
//   REVOKE_BLIND  a deferral does not look whether the permission was still in the entry
//   CLOSED_IS_OK  an end that finds the entry closed already counts as the winner
//   QUEUED_FIRST  a deferral queues the reference before it stores the state
//   OPEN_FIRST    a grant opens the entry before it stores the state
//   FREE_PLAIN    a free stores the word where it must compare and swap
//   CLAIM_DEFERRED  the worker makes an ended reference claimed before it frees it

#ifndef WRONG
#define WRONG 1
#endif

#ifndef ROUNDS
#define ROUNDS 2
#endif

#define PERMIT  1
#define READING 8

#define FREE     1 // states
#define CACHED   2
#define CLAIMED  3
#define GRANTED  4
#define DEFERRED 5

#define CLOSED     1 // what closing the entry found
#define WAS_CLOSED 2
#define BUSY       3

#define MINE (1 << _pid)

#define ENDED    1 // what a call returns; BUSY as well
#define REFUSED  2
#define DEFERS   4

byte word = CACHED;
byte hints = 1;      // the CPUs (one for each process) with the reference in a slot of their cache
byte store;          // how often it is in the central list
byte flags, frame;   // the entry
byte mapped;         // the page that the domain has mapped, or 0
bool over[4];        // access to the page has ended
byte decided[4];     // calls that have ended or deferred the page's grant
byte queue;          // how often the reference is in the queue of deferred ends
bool working;        // the worker has taken it out
byte callers = WRONG + 1;

inline access_is_over()
{
	over[frame] = true;
	assert(mapped != frame)
}

// Takes a step together with the decision that it is.
inline decide()
{
	decided[frame]++;
	assert(decided[frame] == 1)
}

inline look_up()
{
	atomic {
		seen = word;
		// "Claimed" tells a caller that access has ended.
		assert(seen != CLAIMED || !(flags & PERMIT) && !mapped)
	}
}

inline close()
{
	how = BUSY;
	tries = 0;
	do
	:: tries == 2 -> break
	:: else ->
		tries++;
		f = flags;
		if
		:: f & READING -> break
		:: !f -> how = WAS_CLOSED; break
		:: else ->
			atomic {
#ifndef STORE_ENTRY
				if
				:: flags != f
				:: else
				-> flags = 0; how = CLOSED; access_is_over()
				fi
#else
				flags = 0; how = CLOSED; access_is_over()
#endif
			};
			if
			:: how == CLOSED -> break
			:: else
			fi
		fi
	od;
	f = 0;
	tries = 0
}

inline not_granted(state)
{
	if
	:: state == CLAIMED -> result = ENDED
	:: else -> result = REFUSED
	fi
}

// The wait for the winner's store is bounded: it may end at any moment.
inline lost()
{
	if
	:: look_up();
		if
		:: seen == GRANTED -> result = REFUSED
		:: else -> not_granted(seen)
		fi
	:: result = REFUSED
	fi
}

inline end_of()
{
	look_up();
	if
	:: seen != GRANTED -> not_granted(seen)
	:: else ->
#ifdef WORD_FIRST
		word = CLAIMED;
#endif
		close();
#ifdef CLOSED_IS_OK
		if
		:: how == WAS_CLOSED -> how = CLOSED
		:: else
		fi;
#endif
		if
		:: how == BUSY ->
#ifdef WORD_FIRST
			word = GRANTED;
#endif
			result = BUSY
		:: how == WAS_CLOSED -> lost()
		:: how == CLOSED ->
			atomic { decide(); word = CLAIMED };
			result = ENDED
		fi
	fi
}

inline defer()
{
	atomic {
		f = flags;
		flags = f & READING;
		if
#ifdef REVOKE_BLIND
		:: f & READING -> how = BUSY
#else
		:: !(f & PERMIT) -> how = WAS_CLOSED
		:: f == (PERMIT | READING) -> how = BUSY
#endif
		:: else -> how = CLOSED; access_is_over()
		fi;
		f = 0
	};
	if
	:: how == BUSY ->
#ifdef QUEUED_FIRST
		queue++;
		atomic { decide(); word = DEFERRED };
#else
		atomic { decide(); word = DEFERRED };
		atomic { queue++; assert(queue == 1 && !working) };
#endif
		result = DEFERS
	:: how == WAS_CLOSED -> lost()
	:: how == CLOSED ->
		atomic { decide(); word = CLAIMED };
		result = ENDED
	fi
}

// Into the cache with one compare-and-swap, or (the cache is full, or its owner was interrupted)
// into the central list.
inline put(from)
{
	if
	:: hints = hints | MINE;
		atomic {
			if
			:: word == from -> word = CACHED; done = true
			:: else -> hints = hints & ~MINE; done = false
			fi
		}
	:: done = false
	fi
}

inline into_list()
{
	atomic { store++; assert(store == 1) }
}

inline free()
{
	look_up();
	if
	:: seen != CLAIMED -> result = REFUSED
	:: else ->
		put(CLAIMED);
		if
		:: done
		:: else ->
#ifdef FREE_PLAIN
			word = FREE;
			into_list()
#else
			atomic {
				if
				:: word == CLAIMED -> word = FREE; done = true
				:: else -> result = REFUSED
				fi
			};
			if
			:: done -> into_list()
			:: else
			fi
#endif
		fi;
		done = false
	fi
}

// The worker's, straight from "deferred": no other call may find the reference claimed meanwhile.
inline free_owned(from)
{
	put(from);
	if
	:: done
	:: else -> word = FREE; into_list()
	fi;
	done = false
}

// Either does all of it, or changes nothing and leaves it to the slow way.
inline end_fast()
{
	look_up();
	if
	:: seen != GRANTED -> result = BUSY
	:: else ->
		close();
		if
		:: how != CLOSED -> result = BUSY
		:: else ->
			hints = hints | MINE;
			// Nobody else may have changed the word of a grant that this call closed.
			atomic { decide(); assert(word == GRANTED); word = CACHED };
			result = ENDED
		fi
	fi
}

inline any_end(how_to)
{
	if
	:: how_to == 0 -> end_of()
	:: how_to == 1 -> end_fast()
	:: how_to == 2 ->
		end_of();
		if
		:: result == BUSY -> defer()
		:: else
		fi;
		if
		:: result == ENDED -> free()
		:: else
		fi
	fi
}

// From the cache, which is filled from the central list, or by a drain of the other caches, when
// it is empty.
inline take()
{
	atomic {
		if
		:: word == FREE && store -> store--; hints = hints | MINE; word = CACHED
		:: else
		fi
	};
#ifdef OPEN_FIRST
	atomic {
		if
		:: word == CACHED && hints -> hints = hints & ~MINE; word = CLAIMED; done = true
		:: else -> done = false
		fi
	}
#else
	atomic {
		if
		:: word == CACHED && hints -> hints = hints & ~MINE; word = GRANTED; done = true
		:: else -> done = false
		fi
	}
#endif
}

active proctype Owner()
{
	byte seen, f, how, tries, result, round, kind;
	bool done;
	do
	:: round < ROUNDS ->
		round++;
		take();
		if
		:: done ->
			done = false;
			atomic { assert(!flags); frame = round; flags = PERMIT };
#ifdef OPEN_FIRST
			word = GRANTED;
#endif
			if
			:: kind = 0
			:: kind = 1
			:: kind = 2
			fi;
			any_end(kind);
			if
			:: kind != 2 && result == BUSY -> kind = 2; any_end(kind)
			:: kind == 0 && result == ENDED -> free()
			:: else
			fi;
			assert(decided[round] <= 1);
			result = 0; kind = 0
		:: else // a wrong call has left it claimed, or its end waits
		fi
	:: else -> break
	od;
	callers--
}

active [WRONG] proctype Wrong()
{
	byte seen, f, how, tries, result;
	bool done;
	if
	:: any_end(0)
	:: any_end(1)
	:: any_end(2)
	:: free()
	fi;
	callers--
}

active proctype Worker()
{
	byte seen, f, how, tries;
	bool done;
end:	do
	:: atomic { queue && !working -> queue--; working = true };
		close();
		if
		:: how == BUSY -> atomic { queue++; working = false }
		:: else ->
			atomic { access_is_over() };
			look_up();
			// A word that is not "deferred" any more would be left alone: the end is lost.
			assert(seen == DEFERRED);
			working = false;
#ifdef CLAIM_DEFERRED
			word = CLAIMED;
			free_owned(CLAIMED)
#else
			free_owned(DEFERRED)
#endif
		fi
	:: atomic { callers == 0 && !queue && !working ->
			assert(word != DEFERRED && word != GRANTED);
			assert(word != CACHED || hints);
			assert(word != FREE || store == 1);
			assert(frame < 1 || decided[1] == 1);
			assert(frame < 2 || decided[2] == 1);
			break
		}
	od
}

// Xen, for the domain: the status bit with a compare-and-swap, and then the frame.
active proctype Domain()
{
#ifndef ALONE
	bool set;
end:	do
	:: !mapped ->
		atomic {
			if
			:: flags == PERMIT -> flags = PERMIT | READING; set = true
			:: else
			fi
		};
		if
		:: set ->
			atomic {
				mapped = frame;
				assert(!over[mapped]);
				set = false
			}
		:: else
		fi
	:: mapped -> atomic { mapped = 0; flags = flags & PERMIT }
	od
#endif
	skip
}
