// SPDX-License-Identifier: GPL-2.0
//
// The two sides, each through the functions that a driver calls: the kernel's own, and those of
// src/linux/grant_table.c. `Side` is a template argument, so no call is indirect.
#pragma once

#include <cstdint>

extern "C" {
#define BENCH_DECLARE(prefix)                                                                      \
	int prefix##_alloc_grant_references(uint16_t count, uint32_t *head);                       \
	int prefix##_alloc_grant_reference_seq(unsigned int count, uint32_t *first);               \
	void prefix##_free_grant_reference(uint32_t ref);                                          \
	void prefix##_free_grant_references(uint32_t head);                                        \
	void prefix##_free_grant_reference_seq(uint32_t first, unsigned int count);                \
	int prefix##_claim_grant_reference(uint32_t *head);                                        \
	void prefix##_release_grant_reference(uint32_t *head, uint32_t ref);                       \
	int prefix##_grant_foreign_access(uint16_t domid, unsigned long frame, int readonly);      \
	int prefix##_try_end_foreign_access(uint32_t ref);                                         \
	void prefix##_grant_foreign_access_ref(uint32_t ref, uint16_t domid, unsigned long frame,  \
					       int readonly);                                      \
	int prefix##_end_foreign_access_ref(uint32_t ref);
BENCH_DECLARE(gnttab)
BENCH_DECLARE(xengnt)
#undef BENCH_DECLARE
}

inline constexpr uint32_t list_end = 0xffffffffu;

#define BENCH_FORWARD(prefix)                                                                      \
	static int alloc_list(uint16_t count, uint32_t *head)                                      \
	{                                                                                          \
		return prefix##_alloc_grant_references(count, head);                               \
	}                                                                                          \
	static int alloc_seq(unsigned count, uint32_t *first)                                      \
	{                                                                                          \
		return prefix##_alloc_grant_reference_seq(count, first);                           \
	}                                                                                          \
	static void free_one(uint32_t ref)                                                         \
	{                                                                                          \
		prefix##_free_grant_reference(ref);                                                \
	}                                                                                          \
	static void free_list(uint32_t head)                                                       \
	{                                                                                          \
		prefix##_free_grant_references(head);                                              \
	}                                                                                          \
	static void free_seq(uint32_t first, unsigned count)                                       \
	{                                                                                          \
		prefix##_free_grant_reference_seq(first, count);                                   \
	}                                                                                          \
	static int claim(uint32_t *head)                                                           \
	{                                                                                          \
		return prefix##_claim_grant_reference(head);                                       \
	}                                                                                          \
	static void release(uint32_t *head, uint32_t ref)                                          \
	{                                                                                          \
		prefix##_release_grant_reference(head, ref);                                       \
	}                                                                                          \
	static int grant(uint16_t domid, unsigned long frame)                                      \
	{                                                                                          \
		return prefix##_grant_foreign_access(domid, frame, 0);                             \
	}                                                                                          \
	static int try_end(uint32_t ref)                                                           \
	{                                                                                          \
		return prefix##_try_end_foreign_access(ref);                                       \
	}                                                                                          \
	static void grant_ref(uint32_t ref, uint16_t domid, unsigned long frame)                   \
	{                                                                                          \
		prefix##_grant_foreign_access_ref(ref, domid, frame, 0);                           \
	}                                                                                          \
	static int end_ref(uint32_t ref)                                                           \
	{                                                                                          \
		return prefix##_end_foreign_access_ref(ref);                                       \
	}

struct Stock {
	static constexpr const char *name = "stock";
	static constexpr bool leases = false;
	// Starts over with an empty table that can grow to `frames` frames of 512 references.
	static void start(unsigned frames, unsigned cpus = 2);
	BENCH_FORWARD(gnttab)
};

struct Xengnt {
	static constexpr const char *name = "xengnt";
	static constexpr bool leases = true;
	static void start(unsigned frames, unsigned cpus = 2);
	BENCH_FORWARD(xengnt)
};

#undef BENCH_FORWARD
