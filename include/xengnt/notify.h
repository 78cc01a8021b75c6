/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beyond the stock interface: being told when the other side has let go.
 *
 * The caller brings the memory for the notice, as it does for a free callback:
 * giving something back must never need any.
 */
#ifndef XENGNT_NOTIFY_H
#define XENGNT_NOTIFY_H

#include <linux/completion.h>
#include <linux/types.h>
#include <xen/grant_table.h>

/**
 * struct xengnt_end_notice - one end of access that somebody waits for
 * @fn: what is called.
 * @arg: what it gets.
 * @page: put before @fn is called.
 * @ref: the reference, while its end is deferred.
 *
 * The caller's, from xengnt_end_foreign_access_notify() until @fn was called or
 * xengnt_cancel_end_notice() has returned; its members are ours meanwhile.
 */
struct xengnt_end_notice {
	void (*fn)(void *arg);
	void *arg;
	void *page;
	grant_ref_t ref;
};

/**
 * xengnt_end_foreign_access_notify() - end access, and be told when it has ended
 * @notice: the caller's memory.
 * @ref: a granted reference. One that the kernel granted (xenbus on a driver's
 *       behalf, say) must not be busy: then the call is refused and reported,
 *       access goes on, and @fn is not called.
 * @page: as for xengnt_end_foreign_access().
 * @fn: called once, when access has ended, the reference is free and the page is
 *      put: inside this call, or later with interrupts off; must not sleep.
 * @arg: what @fn gets.
 *
 * Works through suspend. When the module goes while a notice is outstanding (its
 * caller pins it, so this takes a forced unload) the kernel takes over and @fn
 * is not called.
 *
 * Context: any, interrupts off included; does not sleep.
 */
void xengnt_end_foreign_access_notify(struct xengnt_end_notice *notice, grant_ref_t ref,
				      struct page *page, void (*fn)(void *arg), void *arg);

/**
 * xengnt_cancel_end_notice() - do not be told any more
 * @notice: the notice.
 *
 * Access ends all the same. Once this returns @fn neither runs nor will run, and
 * the notice may be freed. It does not wait for itself when called from @fn.
 *
 * Context: any, interrupts off included; does not sleep.
 */
void xengnt_cancel_end_notice(struct xengnt_end_notice *notice);

/**
 * xengnt_end_foreign_access_wait() - end access and wait until it has ended
 * @ref: a granted reference.
 * @page: as for xengnt_end_foreign_access().
 * @timeout_ms: how long to wait, in milliseconds.
 *
 * When the time is over access still ends as soon as the other side lets go, and
 * the page stays kept until then.
 *
 * Context: may sleep.
 *
 * Return: 0, or -ETIMEDOUT.
 */
int xengnt_end_foreign_access_wait(grant_ref_t ref, struct page *page, unsigned int timeout_ms);

#endif /* XENGNT_NOTIFY_H */
