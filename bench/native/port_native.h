// SPDX-License-Identifier: GPL-2.0
//
// What the benchmarks may ask of the native port besides the port itself.
#pragma once

#include <cstddef>

// After each xg_core_start(): the default pool is another one.
void port_core_started();
// From the next xg_core_start() on.
void port_set_cpus(unsigned number);
// Bytes that the core has asked for since they were last forgotten.
size_t port_allocated();
void port_forget_allocated();
// The clock stands still but for this.
void port_pass_ms(unsigned ms);
