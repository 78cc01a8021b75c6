// SPDX-License-Identifier: GPL-2.0
//
// What the late store of a wrong caller that grants (version 1, without strict=1) can do to others.
// The caller finds reference 0 claimed by its owner and is held up. Meanwhile the owner defers the
// end of its grant. Then the store comes: xg_quick_grant() of src/core/fast_paths.h changes the
// upper half of the word, its state, and not the link. The caller then ends its grant through
// Grants::end_of(): it reads the word, and stores the whole word.
//
//   model    source
//   append   DeferredEnds::append() of src/core/deferred_ends.cc
//   pop      DeferredEnds::pop(), finish()
//   Late     xg_quick_grant(), then Grants::end_of() and leave_granted()
//
// Reference 1 is another caller's: its end is deferred into the same queue.
//
// Rules: the worker ends the deferral of reference 1, and looks at each member of the queue once.
// Reference 0 is in one state, but which of its two callers has it is open. Not here: the wrong
// caller, or the owner, frees reference 0 meanwhile. That can do more harm (docs/security.md).
//
// Wrong on purpose:
//   LINK_IN_WORD  the queue is linked through the state words instead of the notes

#define NONE     3
#define CLAIMED  1 // states
#define GRANTED  2
#define DEFERRED 3
#define FREE     4

byte state[2] = GRANTED; // the upper half of the words
byte link[2] = NONE;     // the lower half
byte note[2] = NONE;     // next of the notes
byte head = NONE, tail = NONE, count;
byte freed[2], looked[2];
byte busy = 3;           // processes that may still add or change something
bool lock;

#ifdef LINK_IN_WORD
#define NEXT link
#else
#define NEXT note
#endif

inline add(ref)
{
	state[ref] = DEFERRED;
	atomic { !lock -> lock = true };
	NEXT[ref] = NONE;
	if
	:: count -> NEXT[tail] = ref
	:: else -> head = ref
	fi;
	tail = ref;
	count++;
	lock = false
}

active proctype Owner() { add(0); busy-- }
active proctype Other() { add(1); busy-- }

active proctype Late()
{
	byte seen, seen_link;
	state[0] = GRANTED; // late by any number of steps
	atomic { seen = state[0]; seen_link = link[0] };
	if
	:: seen == GRANTED -> atomic { state[0] = CLAIMED; link[0] = seen_link }
	:: else // refused
	fi;
	busy--
}

active proctype Worker()
{
	byte ref;
end:	do
	:: atomic { count && !lock -> lock = true };
		ref = head;
		assert(ref != NONE); // the queue leads somewhere else than its count says
		head = NEXT[ref];
		count--;
		lock = false;
		looked[ref]++;
		assert(looked[ref] == 1);
		atomic {
			if
			:: state[ref] == DEFERRED -> state[ref] = FREE; freed[ref]++
			:: else // the wrong caller's
			fi
		}
	:: atomic { !busy && !count -> assert(looked[1] == 1 && freed[1] == 1); break }
	od
}
