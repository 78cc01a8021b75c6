// SPDX-License-Identifier: GPL-2.0
//
// One driver that waits for references, and the rule that no wake-up is lost: when everything is
// quiet, every waiter that could be served has been called.
#pragma once

#include <string>

#include "scenarios.hh"

namespace sim
{

class Waiting
{
	xg_free_callback callback_{};
	xg_pool *pool_ = nullptr;
	uint16_t count_ = 0;
	int calls_ = 0;
	bool requested_ = false;

	static void called(void *arg) { static_cast<Waiting *>(arg)->calls_++; }

public:
	void clear() { *this = {}; }
	void request(xg_pool *pool, uint16_t count)
	{
		pool_ = pool;
		count_ = count;
		requested_ = true;
		xg_request_callback(pool, &callback_, called, this, count);
	}
	void cancel() { xg_cancel_callback(&callback_); }
	int calls() const { return calls_; }
	bool requested() const { return requested_; }

	// Once everything is quiet. Forgets the callback in the end.
	std::string judge(World &w, int calls_at_most = 1)
	{
		if (!requested_)
			return {};
		if (calls_ > calls_at_most)
			return "called " + std::to_string(calls_) + " times";
		if (calls_)
			return {};
		w.clock.advance(20000);
		std::string waits = "waits for " + std::to_string(count_) + "; leased " +
				    std::to_string(w.kernel.leased()) + ", free " +
				    std::to_string(w.stats().free) + ", the kernel has " +
				    std::to_string(w.kernel.could_lease());
		bool later = calls_ != 0;
		cancel();
		if (later)
			return "called too late; " + waits;
		uint32_t head = XG_NO_REF;
		if (xg_alloc_list(pool_, count_, &head) != XG_OK)
			return {};
		xg_free_list(&head, 1);
		return "a wake-up is lost: " + waits;
	}
	// The same when it must have been called, whatever there is.
	std::string judge_called(World &w)
	{
		std::string broken = judge(w);
		return broken.empty() && calls_ != 1 ? "not called" : broken;
	}
};

} // namespace sim
