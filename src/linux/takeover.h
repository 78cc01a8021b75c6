/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takeover: calls to the kernel's grant-table functions lead to ours.
 *
 * takeover.c         the parameter, the states and what leads from one to the next
 * takeover_hooks.c   the hooks at the kernel's functions
 * takeover_entry.c   what they lead to where that is none of the exported functions
 */
#ifndef XENGNT_TAKEOVER_H
#define XENGNT_TAKEOVER_H

#include <linux/types.h>
#include <xen/grant_table.h>

struct seq_file;

/*
 *   from      to        when
 *   --------  --------  -----------------------------------------------------------
 *   OUT       PASSING   all hooks are in
 *   PASSING   ON        each hook was seen to be reached
 *   ON        DRAINING  switched off
 *   DRAINING  ON        switched on again
 *   DRAINING  PASSING   nothing that our functions handed out is in a driver's hands
 *   PASSING   OUT       the hooks are taken out; also when a hook cannot be put in
 *
 * The numbers are compared: a call is ours when its function's number is reached.
 */
enum xengnt_takeover_state {
	XENGNT_TAKEOVER_OUT,
	XENGNT_TAKEOVER_PASSING,  /* every call goes on to the kernel's function */
	XENGNT_TAKEOVER_DRAINING, /* calls about what is there already are ours */
	XENGNT_TAKEOVER_ON,       /* every call is ours, but our own */
};

/* Read by the hooks; written by takeover.c alone. */
extern enum xengnt_takeover_state xengnt_takeover_state;

/* At the end of loading: does what the parameter asked for. Never fails the load. */
void xengnt_takeover_init(void);
/* From time to time: tries the hooks when they are in. May sleep. */
void xengnt_takeover_check(void);
/* First thing of unloading: nothing is taken over any more, and cannot be again. */
void xengnt_takeover_exit(void);
/* The debugfs file. */
void xengnt_takeover_show(struct seq_file *file);

/*
 * Puts all hooks in, in state PASSING, and sees that each is reached; none is left
 * in when one fails, and the log says which and why. May sleep; takes seconds.
 */
int xengnt_hooks_in(void);
/*
 * Tries those that can be tried at any time, in whatever state: how many these are,
 * and how many of them were not reached. One caller at a time. May sleep.
 */
unsigned int xengnt_hooks_try(unsigned int *lost);
/* Takes them out. Nobody is inside our functions by way of a hook once this returns. */
void xengnt_hooks_out(void);
/* Before the module goes, with no hook in. */
void xengnt_hooks_exit(void);
/* Claims from lists of ours in state DRAINING, each counted before it is made. */
u64 xengnt_draining_claims(void);
void xengnt_count_draining_claim(void);
void xengnt_hooks_show(struct seq_file *file);

/* The hooks lead to these; see takeover_entry.c. */
int xengnt_taken_alloc_grant_references(u16 count, grant_ref_t *head);
int xengnt_taken_alloc_grant_reference_seq(unsigned int count, grant_ref_t *first);
int xengnt_draining_claim_grant_reference(grant_ref_t *head);
int xengnt_taken_grant_foreign_access(domid_t domid, unsigned long frame, int readonly);
void xengnt_taken_request_free_callback(struct gnttab_free_callback *callback,
					void (*fn)(void *), void *arg, u16 count);
void xengnt_taken_cancel_free_callback(struct gnttab_free_callback *callback);

#endif /* XENGNT_TAKEOVER_H */
