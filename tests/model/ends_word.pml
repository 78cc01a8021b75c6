// SPDX-License-Identifier: GPL-2.0
//
// Several calls that end or defer one grant where the state word decides: in a version 2 table
// (V2), and with strict=1 in a version 1 table (without V2). The word carries the number of the
// grant, and only a compare-and-swap of the whole word takes it out of "granted".
//
//   model           source
//   open()          Grants::open() of src/core/grants.cc
//   close()         close_v2(), or close_v1(), of src/core/grant_entry.cc
//   end_of()        Grants::end_of(), leave_granted(), lost() of src/core/grants.cc
//   defer()         Grants::end_or_defer() after "busy", where RefTable::word_decides()
//   free()          RefAllocator::free()
//   Worker          DeferredEnds::work(): pop(), try_end(), finish()
//   Domain          the other domain: Xen sets the status, then looks at the flags (version 2), or
//                   changes both with a compare-and-swap (version 1)
//
// The owner takes the reference, grants it and ends it, twice. A wrong call comes in at any moment
// that ends, defers, frees or grants the same reference. A late call may close the entry of a newer
// grant, which its domain then cannot map; nothing worse follows. (entry_v2.pml: why the end of a
// version 2 grant needs a barrier.)
//
// Rules: those of ends.pml, and of two grants of one reference at most one is made.
//
// Wrong on purpose:
//   STORE_WORD    the word is changed with a plain store, as for a version 1 grant
//   NO_NUMBER     the compare-and-swap does not compare the number of the grant
//   GRANT_STORE   a grant stores "granting" instead of swapping it in
//   FREE_STORE    a free stores the word

#define PERMIT  1
#define READING 8

#define CACHED   2 // states
#define CLAIMED  3
#define GRANTING 4
#define DEFERRED 5
#define GRANTED  8 // and the number of the grant

#define BUSY    1 // results
#define CLOSED  2
#define ENDED   3
#define REFUSED 4

byte word = CACHED;
byte grants;         // made so far
byte flags, frame;   // the entry; the frame is the number of its grant
byte status;         // version 2 only
byte mapped;
bool over[4];        // access through the grant has ended
byte decided[4];     // calls that have ended or deferred the grant
bool queued, working;
byte callers = 2;

inline look_up()
{
	atomic { seen = word; assert(seen != CLAIMED || !(flags & PERMIT) && !mapped) }
}

#ifdef NO_NUMBER
#define SAME(from) (from >= GRANTED -> word >= GRANTED : word == from)
#else
#define SAME(from) (word == from)
#endif

// Also says which grant has been ended or deferred.
inline swap(from, to)
{
	atomic {
		if
		:: SAME(from) ->
			if
			:: from >= GRANTED ->
				decided[word - GRANTED]++;
				assert(decided[word - GRANTED] == 1);
				if
				:: to == CLAIMED ->
					over[word - GRANTED] = true;
					assert(mapped != word - GRANTED)
				:: else
				fi
			:: else
			fi;
			word = to;
			done = true
		:: else -> done = false
		fi
	}
}

inline store(from, to)
{
	atomic {
		if
		:: from >= GRANTED ->
			decided[from - GRANTED]++;
			assert(decided[from - GRANTED] == 1)
		:: else
		fi;
		word = to;
		done = true
	}
}

inline close()
{
#ifdef V2
	flags = 0;
	how = (status & READING -> BUSY : CLOSED)
#else
	f = flags;
	if
	:: f & READING -> how = BUSY
	:: !f -> how = CLOSED // already
	:: else ->
		atomic {
			if
			:: flags == f -> flags = 0; how = CLOSED
			:: else -> how = BUSY
			fi
		}
	fi;
	f = 0
#endif
}

inline leave_granted(to)
{
#ifdef STORE_WORD
	store(seen, to)
#else
	swap(seen, to)
#endif
}

inline end_of()
{
	look_up();
	if
	:: seen == CLAIMED -> result = ENDED
	:: seen < GRANTED && seen != CLAIMED -> result = REFUSED
	:: else ->
		close();
		if
		:: how == BUSY -> result = BUSY
		:: else ->
			leave_granted(CLAIMED);
			if
			:: done -> result = ENDED
			:: else -> result = REFUSED
			fi
		fi
	fi
}

inline defer()
{
	leave_granted(DEFERRED);
	if
	:: done -> atomic { assert(!queued && !working); queued = true }; result = BUSY
	:: else -> result = REFUSED
	fi
}

inline free()
{
	look_up();
	if
	:: seen == CLAIMED ->
#ifdef FREE_STORE
		store(CLAIMED, CACHED)
#else
		swap(CLAIMED, CACHED)
#endif
	:: else -> result = REFUSED
	fi
}

inline end_and_free()
{
	end_of();
	if
	:: result == BUSY -> defer()
	:: else
	fi;
	if
	:: result == ENDED -> free()
	:: else
	fi
}

inline open()
{
	look_up();
	if
	:: seen != CLAIMED -> done = false
	:: else ->
#ifdef GRANT_STORE
		store(CLAIMED, GRANTING);
#else
		swap(CLAIMED, GRANTING);
#endif
		if
		:: done ->
			grants++;
			atomic {
				assert(word == GRANTING && !(flags & PERMIT) && !mapped);
				frame = grants;
				flags = PERMIT
			};
			word = GRANTED + grants
		:: else
		fi
	fi
}

active proctype Owner()
{
	byte seen, f, how, result, round;
	bool done;
	do
	:: round < 2 ->
		round++;
		swap(CACHED, CLAIMED);
		if
		:: done ->
			open();
			if
			:: done ->
				if
				:: end_of();
					if
					:: result == ENDED -> free()
					:: result == BUSY -> end_and_free()
					:: else
					fi
				:: end_and_free()
				fi
			:: else
			fi
		:: else
		fi;
		done = false; result = 0; seen = 0
	:: else -> break
	od;
	callers--
}

active proctype Wrong()
{
	byte seen, f, how, result;
	bool done;
	if
	:: end_of()
	:: end_and_free()
	:: free()
	:: open()
	fi;
	callers--
}

active proctype Worker()
{
	byte f, how, ref_grant;
	bool done;
end:	do
	:: atomic { queued -> queued = false; working = true };
		close();
		if
		:: how == BUSY -> atomic { queued = true; working = false }
		:: else ->
			atomic {
				over[frame] = true;
				assert(mapped != frame && word == DEFERRED);
				working = false
			};
			swap(DEFERRED, CACHED);
			assert(done)
		fi
	:: atomic { callers == 0 && !queued && !working ->
			assert(word != DEFERRED && word != GRANTING);
			assert(grants < 1 || decided[1] == 1 || word == GRANTED + 1);
			assert(grants < 2 || decided[2] == 1 || word == GRANTED + 2);
			assert(grants < 3 || decided[3] == 1 || word == GRANTED + 3);
			break
		}
	od
}

active proctype Domain()
{
	bool set;
end:	do
	:: !mapped ->
#ifdef V2
		if
		:: flags == PERMIT -> status = READING; set = flags == PERMIT
		:: else -> set = false
		fi;
#else
		atomic {
			if
			:: flags == PERMIT -> flags = PERMIT | READING; set = true
			:: else -> set = false
			fi
		};
#endif
		if
		:: set -> atomic { mapped = frame; assert(!over[mapped]) }; set = false
		:: else -> status = 0
		fi
	:: mapped -> atomic { mapped = 0; status = 0; flags = flags & PERMIT }
	od
}
