// SPDX-License-Identifier: GPL-2.0
//
// Included ahead of the core when it is compiled for the scheduler of these tests: each atomic
// operation of the real code becomes a point where another CPU may come in between. The macros
// shadow the compiler's builtins; inside its own expansion a name means the builtin again.
#pragma once

extern "C" void sim_step(void);

#define __atomic_load_n(...) (sim_step(), __atomic_load_n(__VA_ARGS__))
#define __atomic_store_n(...) (sim_step(), __atomic_store_n(__VA_ARGS__))
#define __atomic_fetch_add(...) (sim_step(), __atomic_fetch_add(__VA_ARGS__))
#define __atomic_fetch_sub(...) (sim_step(), __atomic_fetch_sub(__VA_ARGS__))
#define __atomic_exchange_n(...) (sim_step(), __atomic_exchange_n(__VA_ARGS__))
#define __atomic_compare_exchange_n(...) (sim_step(), __atomic_compare_exchange_n(__VA_ARGS__))
