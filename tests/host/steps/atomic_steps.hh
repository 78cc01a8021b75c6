// SPDX-License-Identifier: GPL-2.0
//
// Included ahead of the core when it is compiled for the scheduler of these tests: each atomic
// operation of the real code becomes a point where another CPU may come in between, and a store may
// stay in its CPU's buffer until something drains that, as on x86. The macros shadow the compiler's
// builtins; inside its own expansion a name means the builtin again.
#pragma once

extern "C" void sim_step(void);
// False: the store is to be made now.
extern "C" bool sim_delay(void *where, unsigned bytes, const void *value);
// False: this CPU has no store to there on its way.
extern "C" bool sim_forward(const void *where, unsigned bytes, void *value);
extern "C" void sim_drain(void);

template <class T> struct sim_plain {
	using type = T;
};
template <class T> struct sim_plain<const T> {
	using type = T;
};

template <class T, class V> inline void sim_store(T *where, V value)
{
	T stored = value;
	sim_step();
	if (!sim_delay(where, sizeof(T), &stored))
		__atomic_store_n(where, stored, __ATOMIC_SEQ_CST);
}

template <class T> inline typename sim_plain<T>::type sim_load(T *where)
{
	typename sim_plain<T>::type value;
	sim_step();
	return sim_forward(where, sizeof(T), &value) ? value
						     : __atomic_load_n(where, __ATOMIC_SEQ_CST);
}

#define __atomic_load_n(where, order) sim_load(where)
#define __atomic_store_n(where, value, order) sim_store(where, value)
#define __atomic_thread_fence(order) ((order) == __ATOMIC_SEQ_CST ? sim_drain() : (void)0)
#define __atomic_fetch_add(...) (sim_step(), sim_drain(), __atomic_fetch_add(__VA_ARGS__))
#define __atomic_fetch_and(...) (sim_step(), sim_drain(), __atomic_fetch_and(__VA_ARGS__))
#define __atomic_fetch_sub(...) (sim_step(), sim_drain(), __atomic_fetch_sub(__VA_ARGS__))
#define __atomic_exchange_n(...) (sim_step(), sim_drain(), __atomic_exchange_n(__VA_ARGS__))
#define __atomic_compare_exchange_n(...)                                                           \
	(sim_step(), sim_drain(), __atomic_compare_exchange_n(__VA_ARGS__))
