/* SPDX-License-Identifier: GPL-2.0 */
/* KTAP for the test modules: a table of cases, run in order, one line each. */
#ifndef XENGNT_TEST_KTAP_H
#define XENGNT_TEST_KTAP_H

#include <linux/kernel.h>
#include <linux/module.h>

struct ktap_case {
	const char *name;
	/* NULL: passed; SKIP_...: does not apply here; else what went wrong. */
	const char *(*run)(void);
};

/* Returned by a case that does not apply; the text behind it is the reason. */
#define KTAP_SKIP "SKIP "

#define KTAP_STR(x) #x
#define KTAP_LINE(x) KTAP_STR(x)

/* In a case: leave it with the condition and its line when it does not hold. */
#define EXPECT(condition) \
	do { \
		if (!(condition)) \
			return #condition " (line " KTAP_LINE(__LINE__) ")"; \
	} while (0)

static inline int ktap_run(const struct ktap_case *cases, unsigned int nr)
{
	unsigned int failed = 0;
	unsigned int i;

	pr_info("KTAP version 1\n");
	pr_info("1..%u\n", nr);
	for (i = 0; i < nr; i++) {
		const char *why = cases[i].run();

		if (!why) {
			pr_info("ok %u %s\n", i + 1, cases[i].name);
		} else if (!strncmp(why, KTAP_SKIP, strlen(KTAP_SKIP))) {
			pr_info("ok %u %s # %s\n", i + 1, cases[i].name, why);
		} else {
			pr_info("# %s\n", why);
			pr_info("not ok %u %s\n", i + 1, cases[i].name);
			failed++;
		}
	}
	return failed;
}

#endif /* XENGNT_TEST_KTAP_H */
