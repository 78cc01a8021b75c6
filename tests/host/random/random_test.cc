// SPDX-License-Identifier: GPL-2.0
//
// Long random lives of a driver, checked by the world. Settings come from the environment:
//   XENGNT_STEPS  how many steps in all (default 1,000,000)
//   XENGNT_SEED   replays this seed alone
//   XENGNT_ONE_PROCESS  no process of its own for each seed: for debuggers and counters
// A failure names its seed and is shrunk to a short list of steps.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include <sys/wait.h>
#include <unistd.h>

#include "driver.hh"

using namespace sim;

namespace
{

constexpr size_t life = 20000; // steps of one seed

struct Outcome {
	std::string broken;
	size_t steps; // how many were made
};

uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *value = std::getenv(name);
	return value ? std::strtoull(value, nullptr, 0) : otherwise;
}

std::vector<Step> random_steps(uint64_t seed, size_t count)
{
	std::mt19937_64 random(seed);
	std::vector<Step> steps(count);
	for (Step &step : steps) {
		uint64_t bits = random();
		step = {static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32),
			static_cast<uint32_t>(random())};
	}
	return steps;
}

// One life. The world is checked every `often` steps, at every reference 16 times less often.
Outcome live(uint64_t seed, const std::vector<Step> &steps, size_t often)
{
	Driver driver(random_config(seed));
	for (size_t i = 0; i < steps.size(); i++) {
		driver.run(steps[i]);
		if (i % often == often - 1)
			driver.check(often == 1 || i % (often * 16) == often * 16 - 1);
		if (!driver.broken().empty())
			return {driver.broken(), i + 1};
	}
	driver.finish(seed % 2);
	return {driver.broken(), steps.size()};
}

// The same in a process of its own, which may crash.
bool fails(uint64_t seed, const std::vector<Step> &steps)
{
	pid_t child = fork();
	if (!child) {
		std::freopen("/dev/null", "w", stderr);
		alarm(20);
		Outcome outcome = live(seed, steps, 1);
		_exit(outcome.broken.empty() ? 0 : 1);
	}
	int status = 0;
	waitpid(child, &status, 0);
	return status != 0;
}

std::vector<Step> shrink(uint64_t seed, std::vector<Step> steps)
{
	for (size_t chunk = steps.size() / 2; chunk; chunk /= 2) {
		for (size_t at = 0; at + chunk <= steps.size();) {
			std::vector<Step> fewer(steps);
			fewer.erase(fewer.begin() + static_cast<long>(at),
				    fewer.begin() + static_cast<long>(at + chunk));
			if (fails(seed, fewer))
				steps.swap(fewer);
			else
				at += chunk;
		}
	}
	return steps;
}

// The steps that make it fail, as few as can be found.
std::string shortest(uint64_t seed, size_t length)
{
	if (setting("XENGNT_ONE_PROCESS", 0))
		return {};
	std::vector<Step> steps = random_steps(seed, length);
	if (!fails(seed, steps))
		return "does not fail again by itself";
	std::string text;
	for (const Step &step : shrink(seed, steps))
		text += "\n  {" + std::to_string(step.what) + ", " + std::to_string(step.which) +
			", " + std::to_string(step.amount) + "},  // operation " +
			std::to_string(step.what % 64);
	return text;
}

bool lives_well(uint64_t seed, size_t length)
{
	Outcome outcome = live(seed, random_steps(seed, length), 32);
	if (!outcome.broken.empty())
		std::cerr << "seed " << seed << ", step " << outcome.steps << ": " << outcome.broken
			  << std::endl;
	return outcome.broken.empty();
}

// Runs one seed in a process of its own; 0 when all was well.
int judge(uint64_t seed, size_t length)
{
	if (setting("XENGNT_ONE_PROCESS", 0))
		return lives_well(seed, length) ? 0 : 1;
	pid_t child = fork();
	if (!child)
		_exit(lives_well(seed, length) ? 0 : 1);
	int status = 0;
	waitpid(child, &status, 0);
	return status;
}

} // namespace

TEST(Random, LivesGoByWithoutABrokenRule)
{
	if (uint64_t seed = setting("XENGNT_SEED", 0)) {
		EXPECT_EQ(judge(seed, life), 0) << shortest(seed, life);
		return;
	}
	uint64_t steps = setting("XENGNT_STEPS", 1000000);
	uint64_t lives = (steps + life - 1) / life;
	std::cout << "seeds 1 to " << lives << ", " << life << " steps each" << std::endl;
	for (uint64_t seed = 1; seed <= lives; seed++)
		ASSERT_EQ(judge(seed, life), 0)
		    << "replay with XENGNT_SEED=" << seed << shortest(seed, life);
}
