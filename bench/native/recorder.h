// SPDX-License-Identifier: GPL-2.0
//
// Sees each access to memory of the code that was compiled with -fsanitize=thread: the compiler
// calls the functions of recorder.cc, which stand in the place of the sanitizer's library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

struct Counted {
	uint64_t accesses = 0;
	uint64_t locked = 0; // atomic read-modify-writes, and stores that are barriers
	uint64_t transfers = 0, upgrades = 0;
};

// Forgets what the caches hold. Each access is that of the CPU `bench_cpu` from here on.
void recorder_start();
// Accesses are added to this; null: they change the caches, and are not counted.
void recorder_count(Counted *counted);
void recorder_stop();
// This memory is no CPU's in particular: a driver's, or the page that it grants.
void recorder_ignore(const void *memory, size_t size);
// Whether the lines that move are counted by the place in the program, too.
void recorder_keep_places(bool keep);
const std::map<uintptr_t, uint64_t> &recorder_places();
