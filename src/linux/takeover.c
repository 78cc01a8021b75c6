// SPDX-License-Identifier: GPL-2.0
/*
 * Switching the takeover on and off: the parameter, and the states of takeover.h.
 *
 * Off has two steps, since drivers go on meanwhile. First, what is allocated comes
 * from the kernel again; calls about references that ours handed out still lead to
 * ours, which know them, and pass on those that are the kernel's. When no driver has
 * a reference of ours any more, the hooks are taken out.
 *
 * This module stays loaded as long as a hook is in.
 */
#include "internal.h"
#include "callers.h"
#include "takeover.h"

#include <linux/jiffies.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>

#include "../core/core.h"
#include "watch.h"

#define LOOK_INTERVAL (HZ / 4)

/* Written before init has ended; its end carries it out. */
static bool wanted;
/* Between the end of init and the beginning of exit. */
static bool running;
/* Held while the state changes; the functions that are hooked never take it. */
static DEFINE_MUTEX(switch_lock);

static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, look);

static void set_state(enum xengnt_takeover_state state)
{
	WRITE_ONCE(xengnt_takeover_state, state);
	xengnt_note_takeover(state == XENGNT_TAKEOVER_ON, 0);
}

/* --- what is still out ----------------------------------------------------- */

/* References that drivers have: of one pool, or of all that calls were taken over from. */
static u32 count_out(const struct xg_pool *pool)
{
	struct xg_ref_info info;
	u32 out = 0;
	u32 ref;

	for (ref = 0; ref < xg_table_refs(); ref++) {
		if (!(ref % 4096))
			cond_resched();
		xg_read_ref(ref, &info);
		/* A deferred end is its driver's no more. */
		if (info.state == XG_REF_FREE || info.state == XG_REF_DEFERRED)
			continue;
		if (pool ? info.pool == pool : xengnt_pool_is_taken(info.pool))
			out += info.count;
	}
	return out;
}

static bool none_out(void)
{
	struct xg_waiter waiter;

	return !xg_read_waiters(&waiter, 1) && !count_out(NULL);
}

/*
 * Whether nothing is out any more, in state DRAINING. Nobody allocates now, so a
 * reference that was seen not to be out stays so. With one exception: of a list only
 * the first reference says that it is out, for all that follow; when it is claimed
 * after its successor was looked at, and freed before it is looked at itself, both
 * are missed. So a count is repeated if somebody has claimed from a list of ours
 * meanwhile. Claims from the kernel's lists do not matter: busy drivers never pause.
 */
static bool is_drained(void)
{
	u64 claims;

	if (!none_out())
		return false;
	claims = xengnt_draining_claims();
	/* Those that allocate or wait, or claim and are counted already, get done. */
	synchronize_rcu_tasks();
	synchronize_rcu();
	return none_out() && claims == xengnt_draining_claims();
}

struct holder_walk {
	void (*fn)(const char *name, u32 out, void *arg);
	void *arg;
};

static void visit_client(const struct xengnt_client *client, void *arg)
{
	struct holder_walk *walk = arg;

	if (READ_ONCE(client->taken))
		walk->fn(client->name, count_out(client->pool), walk->arg);
}

/* Calls the function for each client with the number of references that it has of ours. */
static void each_holder(void (*fn)(const char *name, u32 out, void *arg), void *arg)
{
	struct holder_walk walk = { fn, arg };

	xengnt_each_client(visit_client, &walk);
	if (xengnt_default_pool_is_taken())
		fn("default", count_out(xg_default_pool()), arg);
}

static void log_holder(const char *name, u32 out, void *unused)
{
	if (out)
		pr_info("takeover: %s still holds %u references of ours\n", name, out);
}

/* --- the switch ------------------------------------------------------------- */

static void hooks_gone(void)
{
	xengnt_hooks_out();
	xengnt_note_takeover(false, 0);
	pr_info("takeover is off: all functions are the kernel's again\n");
	module_put(THIS_MODULE);
}

static void look(struct work_struct *work)
{
	mutex_lock(&switch_lock);
	if (xengnt_takeover_state == XENGNT_TAKEOVER_DRAINING) {
		if (is_drained())
			hooks_gone();
		else
			schedule_delayed_work(&look_work, LOOK_INTERVAL);
	}
	mutex_unlock(&switch_lock);
}

void xengnt_takeover_check(void)
{
	unsigned int tried, lost;

	/* Switching takes seconds, and tries the hooks itself. */
	if (!mutex_trylock(&switch_lock))
		return;
	if (xengnt_takeover_state >= XENGNT_TAKEOVER_DRAINING) {
		tried = xengnt_hooks_try(&lost);
		if (lost && !xengnt_hooks_lost())
			pr_err("takeover: %u of %u functions that were tried do not reach their hooks any more: look for ftrace in the log above, and restart this guest: what the kernel does with references of ours is not known\n",
			       lost, tried);
		xengnt_note_takeover(xengnt_takeover_state == XENGNT_TAKEOVER_ON, lost);
	}
	mutex_unlock(&switch_lock);
}

static int switch_on(void)
{
	int err;

	switch (xengnt_takeover_state) {
	case XENGNT_TAKEOVER_ON:
		return 0;
	case XENGNT_TAKEOVER_DRAINING:
		set_state(XENGNT_TAKEOVER_ON);
		pr_info("takeover is on again\n");
		return 0;
	default:
		break;
	}
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	err = xengnt_hooks_in();
	if (err) {
		module_put(THIS_MODULE);
		return err;
	}
	set_state(XENGNT_TAKEOVER_ON);
	pr_info("takeover is on: every driver's grants are ours from now on\n");
	return 0;
}

static int switch_off(void)
{
	if (xengnt_takeover_state != XENGNT_TAKEOVER_ON)
		return 0;
	if (xengnt_kernel_cannot_end()) {
		pr_err("takeover stays on: in this guest the kernel cannot end access in a version 2 table: boot with grant_table.version=1 to be able to switch it off\n");
		return -EOPNOTSUPP;
	}
	set_state(XENGNT_TAKEOVER_DRAINING);
	if (is_drained()) {
		hooks_gone();
		return 0;
	}
	pr_info("takeover goes off: new references are the kernel's; the module can be unloaded once these are free (watch /sys/kernel/debug/xengnt/takeover):\n");
	each_holder(log_holder, NULL);
	schedule_delayed_work(&look_work, LOOK_INTERVAL);
	return 0;
}

static int takeover_set(const char *value, const struct kernel_param *param)
{
	/* "takeover" alone means on. */
	bool on = true;
	int err = value ? kstrtobool(value, &on) : 0;

	if (err)
		return err;
	mutex_lock(&switch_lock);
	if (!running)
		wanted = on;
	else
		err = on ? switch_on() : switch_off();
	mutex_unlock(&switch_lock);
	return err;
}

static int takeover_get(char *buffer, const struct kernel_param *param)
{
	bool on = running ? READ_ONCE(xengnt_takeover_state) == XENGNT_TAKEOVER_ON : wanted;

	return sysfs_emit(buffer, "%c\n", on ? 'Y' : 'N');
}

static const struct kernel_param_ops takeover_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = takeover_set,
	.get = takeover_get,
};
module_param_cb(takeover, &takeover_ops, NULL, 0644);
MODULE_PARM_DESC(takeover, "every driver's calls of the kernel's grant-table functions lead to xengnt (0)");

void xengnt_takeover_init(void)
{
	mutex_lock(&switch_lock);
	running = true;
	/* An error has been logged; the module serves those that are built against it. */
	if (wanted)
		(void)switch_on();
	mutex_unlock(&switch_lock);
}

void xengnt_takeover_exit(void)
{
	/* No hook is in, or we would be pinned; a write that comes now only sets "wanted". */
	mutex_lock(&switch_lock);
	running = false;
	mutex_unlock(&switch_lock);
	cancel_delayed_work_sync(&look_work);
	xengnt_hooks_exit();
}

/* --- watching ----------------------------------------------------------------- */

static void show_holder(const char *name, u32 out, void *file)
{
	seq_printf(file, "caller %s holds %u\n", name, out);
}

void xengnt_takeover_show(struct seq_file *file)
{
	static const char * const names[] = {
		[XENGNT_TAKEOVER_OUT] = "off",
		[XENGNT_TAKEOVER_PASSING] = "switching",
		[XENGNT_TAKEOVER_DRAINING] = "draining",
		[XENGNT_TAKEOVER_ON] = "on",
	};

	seq_printf(file, "state %s\n", names[READ_ONCE(xengnt_takeover_state)]);
	xengnt_hooks_show(file);
	each_holder(show_holder, file);
}
