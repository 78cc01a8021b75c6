// SPDX-License-Identifier: GPL-2.0
//
// A CPU cache of free references: its CPU takes and puts with no lock, an interrupt on that CPU
// comes in at any step, and another CPU drains it. The slots hold hints; the state word decides.
//
//   model           source
//   put()           xg_fast_put() of src/core/fast_paths.h, then RefAllocator::free() when it fails
//   take()          xg_fast_take() of src/core/fast_paths.h
//   Drainer         RefAllocator::drain() and CentralFreeList::collect() of src/core
//
// References: 0 is held by the CPU, 1 is in its cache, 2 is held by the interrupt. The interrupt
// frees 2, or frees 0 as well (a wrong caller), or allocates. It runs to its end before the CPU
// goes on.
//
// Rules:
//   a reference is handed out to one caller at a time, and is free at most once;
//   every cached reference can be found: at the end a slot in use has its hint;
//   a drain finds each reference that was cached before it began, unless a caller is just taking it
//   (waiters.pml rests on this).
//
// Wrong on purpose:
//   STATE_FIRST  a put stores the state before the hint
//   NO_BUSY      an interrupt uses a cache whose owner it has interrupted
//   TAKE_STORE   a take stores the state instead of swapping it
//   PUT_STORE    a put stores the state
//   DRAIN_STORE  a drain looks at the state and stores the new one

#define FREE    1
#define CACHED  2
#define CLAIMED 3
#define NONE    9
#define SLOTS   3

byte state[3];
byte slots[SLOTS];
byte used;
bool busy;
byte held[3];   // callers that have the reference
byte list[3];   // how often it is in the central list
byte puts[3];   // tells one stay in the cache from the next
byte hand[2] = NONE; // popped, but not yet taken: by the CPU, by the interrupt
bool in_irq;

inline held_by_one_less(ref) { assert(held[ref] == 1); held[ref]-- }
inline held_by_one_more(ref) { held[ref]++; assert(held[ref] == 1) }
inline listed(ref) { list[ref]++; assert(list[ref] == 1) }

inline put_state(ref)
{
#ifdef PUT_STORE
	atomic { state[ref] = CACHED; puts[ref]++; held_by_one_less(ref); done = true }
#else
	atomic {
		if
		:: state[ref] == CLAIMED ->
			state[ref] = CACHED;
			puts[ref]++;
			held_by_one_less(ref);
			done = true
		:: else -> done = false
		fi
	}
#endif
}

inline put(ref)
{
	done = false;
	if
	:: state[ref] != CLAIMED -> skip // refused
	:: else ->
		if
#ifndef NO_BUSY
		:: busy -> skip
#endif
		:: else ->
			busy = true;
			u = used;
			if
			:: u < SLOTS ->
#ifdef STATE_FIRST
				put_state(ref);
				slots[u] = ref;
				used = u + 1;
#else
				slots[u] = ref;
				used = u + 1;
				put_state(ref);
#endif
				if
				:: done
				:: else -> used = u
				fi
			:: else
			fi;
			busy = false
		fi;
		if
		:: done
		:: else -> // into the central list
			atomic {
				if
				:: state[ref] == CLAIMED ->
					state[ref] = FREE;
					held_by_one_less(ref);
					listed(ref)
				:: else // refused
				fi
			}
		fi
	fi
}

inline take(who)
{
	got = NONE;
	if
#ifndef NO_BUSY
	:: busy -> skip
#endif
	:: else ->
		busy = true;
		u = used;
		do
		:: u == 0 -> break
		:: else ->
			u--;
			got = slots[u];
			atomic { used = u; hand[who] = got };
#ifdef TAKE_STORE
			if
			:: state[got] == CACHED ->
				atomic { state[got] = CLAIMED; held_by_one_more(got); done = true }
			:: else -> done = false
			fi;
#else
			atomic {
				if
				:: state[got] == CACHED ->
					state[got] = CLAIMED;
					held_by_one_more(got);
					done = true
				:: else -> done = false
				fi
			};
#endif
			hand[who] = NONE;
			if
			:: done -> break
			:: else -> got = NONE
			fi
		od;
		busy = false
	fi
}

proctype Cpu() provided (!in_irq)
{
	bool done;
	byte u, got;
	put(0);
	take(0);
	if
	:: got != NONE -> put(got)
	:: else
	fi
}

proctype Interrupt()
{
	bool done;
	byte u, got;
	in_irq = true;
	if
	:: put(2)
	:: put(0)
	:: take(1)
	fi;
	in_irq = false
}

proctype Drainer()
{
	byte n, at, ref, was[3];
	atomic {
		for (ref : 0 .. 2) {
			was[ref] = (state[ref] == CACHED && hand[0] != ref && hand[1] != ref ->
				    puts[ref] : NONE)
		}
	};
	n = used;
	do
	:: at == n -> break
	:: else ->
		ref = slots[at];
#ifdef DRAIN_STORE
		if
		:: state[ref] == CACHED -> atomic { state[ref] = FREE; listed(ref) }
		:: else
		fi;
#else
		atomic {
			if
			:: state[ref] == CACHED -> state[ref] = FREE; listed(ref)
			:: else
			fi
		};
#endif
		at++
	od;
	atomic {
		for (ref : 0 .. 2) {
			assert(state[ref] != CACHED || was[ref] != puts[ref] ||
			       hand[0] == ref || hand[1] == ref)
		}
	}
}

init
{
	byte ref, at;
	bool found;
	atomic {
		state[0] = CLAIMED; held[0] = 1;
		state[1] = CACHED; slots[0] = 1; used = 1;
		state[2] = CLAIMED; held[2] = 1;
		run Cpu();
		run Interrupt();
		run Drainer()
	};
	_nr_pr == 1;
	atomic {
		for (ref : 0 .. 2) {
			found = false;
			at = 0;
			do
			:: at == used -> break
			:: else -> found = found || slots[at] == ref; at++
			od;
			assert(state[ref] != CACHED || found);
			assert((state[ref] == FREE) == list[ref]);
			assert((state[ref] == CLAIMED) == held[ref])
		}
	}
}
