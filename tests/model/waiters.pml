// SPDX-License-Identifier: GPL-2.0
//
// References between CPU caches, the central list, and callers that want more than is there: the
// protocol of src/core/waiters.hh, one step per atomic operation.
//
//   model        source
//   Freer        xg_quick_free_one(): xg_fast_put() and xg_fast_freed(), of src/core/fast_paths.h;
//                or RefAllocator::put_into_list() and freed_some(), when the cache cannot be used
//   collect()    CentralFreeList::collect(), for a flush or a drain
//   Filler       CentralFreeList::take_one() with a cache
//   drain_all()  RefAllocator::drain_all()
//   serve()      FreeCallbacks::run(), with one callback that can wait
//   Waiter       xg_request_callback(): FreeCallbacks::request(), drain_all(), run()
//   Looker       RefAllocator::grow_and_take(), where no more can be leased
//
// What a CPU cache does with the hints and states themselves: cache.pml.
//
// Two CPUs free a reference each into caches of their own. A driver on a third one wants WANTED
// references: it asks for a callback (WAITER), or allocates and looks everywhere (LOOKER). One
// reference is in the central list to begin with, and a fourth party may fill its cache from it.
//
// Rules: a caller that waits is called, though nobody frees afterwards; an allocation does not fail
// when all it wants was free from before it began.
//
// Wrong on purpose:
//   FLAG_FIRST     freeing looks at `starving` before its compare-and-swap
//   NO_FENCE       the look at `starving` overtakes the compare-and-swap: no fence_after_swap()
//   LIST_UNSEEN    a free into the central list does not look at `starving`
//   STARVE_LAST    the flag is set after the drain
//   FILL_UNLOCKED  a cache is filled outside the central list's lock

#ifdef LOOKER
#define WANTED 2 // what one free before, and the central list, make up
#else
#define WANTED 3 // all there are
#endif

#define FREE   0 // in the central list
#define CACHED 1
#define HELD   2

byte state[3] = HELD;  // state words: references 0 and 1 are held by the freeing CPUs, 2 is free
bool hint[3];          // is the reference in its CPU's slots?
byte store = 1;        // CentralFreeList::free_: reference 2
byte starving;
bool lock;
bool queued;
byte called;
byte freed;            // frees that have returned
bool filled;           // the third CPU has done its allocation and free
byte failed;

inline acquire() { atomic { !lock -> lock = true } }
inline release() { lock = false }

// CentralFreeList::collect() of one slot.
inline collect(ref)
{
	acquire();
	if
	:: hint[ref] && state[ref] == CACHED ->
		state[ref] = FREE; // succeeds: under the lock nobody else collects
		store++
	:: else
	fi;
	release()
}

// FreeCallbacks::serve(): calls when enough is free.
inline serve()
{
	acquire();
	if
	:: queued && store >= WANTED -> queued = false; called++; starving--
	:: else
	fi;
	release()
}

proctype Freer(byte ref)
{
	bool seen;
#ifdef FLAG_FIRST
	seen = starving > 0;
#endif
	if
	:: hint[ref] = true;
#ifdef NO_FENCE
		seen = starving > 0;
#endif
		state[ref] = CACHED;
#if !defined(FLAG_FIRST) && !defined(NO_FENCE)
		seen = starving > 0;
#endif
		if
		:: seen -> collect(ref); serve()
		:: else
		fi
	:: state[ref] = FREE; // the cache is full, or this CPU was interrupted while it used it
		acquire();
		store++;
		release();
#ifndef LIST_UNSEEN
		seen = starving > 0;
#endif
		if
		:: seen -> serve()
		:: else
		fi
	fi;
	freed++
}

// Another CPU refills its cache with what is in the central list: a run of one for its slots. What
// it takes for itself is left out: it is no longer free.
proctype Filler()
{
	acquire();
	if
	:: store > 0 && starving == 0 ->
		store--;
#ifdef FILL_UNLOCKED
		release();
		state[2] = CACHED;
		hint[2] = true;
		acquire()
#else
		state[2] = CACHED;
		hint[2] = true
#endif
	:: else
	fi;
	release();
	filled = true
}

inline drain_all()
{
	acquire(); release(); // a CPU that fills without having seen the flag is done
	if
	:: hint[0] -> collect(0)
	:: else
	fi;
	if
	:: hint[1] -> collect(1)
	:: else
	fi;
	if
	:: hint[2] -> collect(2)
	:: else
	fi
}

proctype Waiter()
{
	queued = true;
#ifdef STARVE_LAST
	drain_all();
	atomic { if :: queued -> starving++ :: else fi };
#else
	starving++;
	drain_all();
#endif
	serve()
}

proctype Looker()
{
	byte before;
	bool took;
	before = freed + 1; // what was free before we began must be found
	acquire();
	if
	:: store >= WANTED -> store = store - WANTED; took = true
	:: else
	fi;
	release();
	if
	:: took
	:: else ->
#ifdef STARVE_LAST
		drain_all();
		starving++;
#else
		starving++;
		drain_all();
#endif
		acquire();
		if
		:: store >= WANTED -> store = store - WANTED; took = true
		:: else
		fi;
		release();
		starving--
	fi;
	assert(took || before < WANTED)
}

init
{
	state[2] = FREE;
	atomic {
		run Freer(0);
		run Freer(1);
		run Filler();
#ifdef LOOKER
		run Looker()
#else
		run Waiter()
#endif
	};
	_nr_pr == 1;
	assert(!queued);
#ifndef LOOKER
	assert(called == 1);
#endif
	assert(starving == 0)
}
