/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints: /sys/kernel/tracing/events/xengnt/, for trace-cmd, perf and bpftrace. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM xengnt

#if !defined(XENGNT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define XENGNT_TRACE_H

#include <linux/tracepoint.h>

#include "compat.h"

TRACE_EVENT(xengnt_lease,
	TP_PROTO(unsigned int asked, unsigned int got),
	TP_ARGS(asked, got),
	TP_STRUCT__entry(
		__field(unsigned int, asked)
		__field(unsigned int, got)
	),
	TP_fast_assign(
		__entry->asked = asked;
		__entry->got = got;
	),
	TP_printk("asked=%u got=%u", __entry->asked, __entry->got)
);

/* @count references from @ref on; for a private list @ref is its head. */
DECLARE_EVENT_CLASS(xengnt_refs,
	TP_PROTO(unsigned int ref, unsigned int count),
	TP_ARGS(ref, count),
	TP_STRUCT__entry(
		__field(unsigned int, ref)
		__field(unsigned int, count)
	),
	TP_fast_assign(
		__entry->ref = ref;
		__entry->count = count;
	),
	TP_printk("ref=%u count=%u", __entry->ref, __entry->count)
);

DEFINE_EVENT(xengnt_refs, xengnt_unlease,
	TP_PROTO(unsigned int ref, unsigned int count), TP_ARGS(ref, count));
DEFINE_EVENT(xengnt_refs, xengnt_alloc_list,
	TP_PROTO(unsigned int ref, unsigned int count), TP_ARGS(ref, count));
DEFINE_EVENT(xengnt_refs, xengnt_alloc,
	TP_PROTO(unsigned int ref, unsigned int count), TP_ARGS(ref, count));
DEFINE_EVENT(xengnt_refs, xengnt_free_list,
	TP_PROTO(unsigned int ref, unsigned int count), TP_ARGS(ref, count));
DEFINE_EVENT(xengnt_refs, xengnt_free,
	TP_PROTO(unsigned int ref, unsigned int count), TP_ARGS(ref, count));

TRACE_EVENT(xengnt_grant,
	TP_PROTO(unsigned int ref, unsigned int domid, unsigned long frame, bool readonly),
	TP_ARGS(ref, domid, frame, readonly),
	TP_STRUCT__entry(
		__field(unsigned int, ref)
		__field(unsigned int, domid)
		__field(unsigned long, frame)
		__field(bool, readonly)
	),
	TP_fast_assign(
		__entry->ref = ref;
		__entry->domid = domid;
		__entry->frame = frame;
		__entry->readonly = readonly;
	),
	TP_printk("ref=%u domid=%u frame=%#lx readonly=%d", __entry->ref, __entry->domid,
		  __entry->frame, __entry->readonly)
);

TRACE_EVENT(xengnt_end,
	TP_PROTO(unsigned int ref, int ended),
	TP_ARGS(ref, ended),
	TP_STRUCT__entry(
		__field(unsigned int, ref)
		__field(int, ended)
	),
	TP_fast_assign(
		__entry->ref = ref;
		__entry->ended = ended;
	),
	TP_printk("ref=%u ended=%d", __entry->ref, __entry->ended)
);

DECLARE_EVENT_CLASS(xengnt_deferral,
	TP_PROTO(unsigned int ref, unsigned int domid),
	TP_ARGS(ref, domid),
	TP_STRUCT__entry(
		__field(unsigned int, ref)
		__field(unsigned int, domid)
	),
	TP_fast_assign(
		__entry->ref = ref;
		__entry->domid = domid;
	),
	TP_printk("ref=%u domid=%u", __entry->ref, __entry->domid)
);

DEFINE_EVENT(xengnt_deferral, xengnt_defer,
	TP_PROTO(unsigned int ref, unsigned int domid), TP_ARGS(ref, domid));
DEFINE_EVENT(xengnt_deferral, xengnt_reclaim,
	TP_PROTO(unsigned int ref, unsigned int domid), TP_ARGS(ref, domid));

TRACE_EVENT(xengnt_callback,
	TP_PROTO(void *fn),
	TP_ARGS(fn),
	TP_STRUCT__entry(__field(void *, fn)),
	TP_fast_assign(__entry->fn = fn;),
	TP_printk("fn=%pS", __entry->fn)
);

DECLARE_EVENT_CLASS(xengnt_mapping,
	TP_PROTO(unsigned int count, int result),
	TP_ARGS(count, result),
	TP_STRUCT__entry(
		__field(unsigned int, count)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->count = count;
		__entry->result = result;
	),
	TP_printk("count=%u result=%d", __entry->count, __entry->result)
);

DEFINE_EVENT(xengnt_mapping, xengnt_map,
	TP_PROTO(unsigned int count, int result), TP_ARGS(count, result));
DEFINE_EVENT(xengnt_mapping, xengnt_unmap,
	TP_PROTO(unsigned int count, int result), TP_ARGS(count, result));

TRACE_EVENT(xengnt_misuse,
	TP_PROTO(const char *what, unsigned int ref, unsigned int domid, unsigned long caller),
	TP_ARGS(what, ref, domid, caller),
	TP_STRUCT__entry(
		__string(what, what)
		__field(unsigned int, ref)
		__field(unsigned int, domid)
		__field(unsigned long, caller)
	),
	TP_fast_assign(
		xengnt_assign_str(what, what);
		__entry->ref = ref;
		__entry->domid = domid;
		__entry->caller = caller;
	),
	TP_printk("what=%s ref=%u domid=%u caller=%pS", __get_str(what), __entry->ref,
		  __entry->domid, (void *)__entry->caller)
);

TRACE_EVENT(xengnt_headroom,
	TP_PROTO(unsigned int left, unsigned int of, unsigned int most, const char *holder),
	TP_ARGS(left, of, most, holder),
	TP_STRUCT__entry(
		__field(unsigned int, left)
		__field(unsigned int, of)
		__field(unsigned int, most)
		__string(holder, holder)
	),
	TP_fast_assign(
		__entry->left = left;
		__entry->of = of;
		__entry->most = most;
		xengnt_assign_str(holder, holder);
	),
	TP_printk("left=%u of=%u most=%u holder=%s", __entry->left, __entry->of, __entry->most,
		  __get_str(holder))
);

#endif /* XENGNT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
