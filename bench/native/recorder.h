// SPDX-License-Identifier: GPL-2.0
//
// Sees each access to memory of the code that was compiled with -fsanitize=thread: the compiler
// calls the functions of recorder.cc, which stand in the place of the sanitizer's library.
#pragma once

#include <compare>
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
// A line that moved, by the place in the program that made it move, and by what is in the line: one
// of the names, which each stand for some memory.
struct Place {
	uintptr_t code;
	uintptr_t line;
	const char *what;
	auto operator<=>(const Place &) const = default;
};
void recorder_keep_places(bool keep);
void recorder_name(const char *name, const void *memory, size_t size);
const std::map<Place, uint64_t> &recorder_places();
