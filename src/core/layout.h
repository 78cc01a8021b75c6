/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The data that the fast paths (fast_paths.h, inlined into the shims) read and
 * write: the record of each reference, the CPU caches, the pools. For C and C++.
 */
#ifndef XENGNT_CORE_LAYOUT_H
#define XENGNT_CORE_LAYOUT_H

#include "core_types.h"

/* Bits 32 to 39 of a state word; ref_word.hh has the table of transitions. */
enum xg_state {
	XG_STATE_UNLEASED = 0,
	XG_STATE_FREE,
	XG_STATE_CACHED,
	XG_STATE_LISTED,
	XG_STATE_CLAIMED,
	XG_STATE_GRANTING,
	XG_STATE_GRANTED,
	XG_STATE_DEFERRED,
	XG_STATE_LOST,
	XG_STATES
};

/*
 * One reference, by its number. @high is the upper half of the word: state
 * (8 bits), run (8), pool (16). The fast paths read and write @link and @high
 * apart; a compare-and-swap that changes a word uses either @word or
 * @high.
 */
struct xg_ref {
	union {
		uint64_t word;
		struct {
			uint32_t link;
			uint32_t high;
		};
	};
	uint64_t grants; /* how often access was granted; written by who grants */
};

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "struct xg_ref needs a little-endian processor"
#endif

/* The part of @high that tells state and run, and not the pool. */
#define XG_KIND(state, run) ((uint32_t)(state) | (uint32_t)(run) << 8)
#define XG_KIND_MASK 0xffffu
#define XG_HIGH(state, run, pool) (XG_KIND(state, run) | (uint32_t)(pool) << 16)

/*
 * One CPU's free references of one pool. Only that CPU writes here, staying put
 * meanwhile; @busy turns away an interrupt that comes in between. Other CPUs
 * read the slots and take references by changing their state words, so a slot
 * is a hint.
 */
#define XG_CACHE_SLOTS 64
struct xg_cpu_cache {
	uint32_t used;
	uint32_t busy;
	uint64_t allocated; /* taken here */
	uint64_t freed;	    /* given back here */
	uint64_t seen;	    /* what the two were when the worker looked last */
	uint32_t slots[XG_CACHE_SLOTS];
} __attribute__((aligned(64)));

#define XG_MAX_POOLS 256
#define XG_POOL_NAME_SIZE 32

/* On whose account references are out. */
struct xg_pool {
	struct xg_cpu_cache *caches;
	uint32_t id;
	uint32_t life;	    /* enum PoolLife; under the pool registry's lock */
	/*
	 * Lists and refills write the fields below, single references read those above: they
	 * are on different lines. held counts the references out of the central list,
	 * caches included; atomic, under its lock.
	 */
	uint32_t held __attribute__((aligned(64)));
	uint32_t limit;	    /* most that may be held; likewise */
	uint32_t reserve;   /* kept for this pool by the central list; likewise */
	uint64_t allocated; /* in lists and sequences; the caches count single references */
	uint64_t freed;
	char name[XG_POOL_NAME_SIZE];
};

/* Frames of the shared table at most: 2^20 references of 16 bytes. */
#define XG_MAX_FRAMES 4096

/* The fast paths find everything else by this. Written by RefTable. */
struct xg_fast_state {
	/*
	 * For each frame of the shared table the address of its first entry, less
	 * the size of all entries before it: entry n of the table is n entries
	 * further. NULL: the frame cannot be reached. First: no offset.
	 */
	void *frames[XG_MAX_FRAMES];
	struct xg_ref *refs;
	uint32_t nr_refs;
	/*
	 * Grants and ends of references below this may be fast: nr_refs for a
	 * version 1 table, 0 for version 2 and in strict mode.
	 */
	uint32_t nr_fast_grants;
	/* Allocations that look everywhere, and callbacks that wait. Atomic. */
	uint32_t starving;
	struct xg_cpu_cache *caches[XG_MAX_POOLS];
};

extern struct xg_fast_state xg_fast;

#endif /* XENGNT_CORE_LAYOUT_H */
