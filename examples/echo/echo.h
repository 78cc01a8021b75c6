/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two sides of the echo device agree on; for C and C++.
 *
 * Xenstore, device "vecho". The frontend's directory: ring-ref, event-channel.
 * The ring is one page in Xen's usual layout (<xen/interface/io/ring.h>), 64
 * entries. A request names up to four pages with the question, granted for
 * reading, and as many for the answer, granted for reading and writing. The
 * backend copies the question into the answer.
 */
#ifndef ECHO_H
#define ECHO_H

#define ECHO_DEVICE	"vecho"
#define ECHO_PAGES	4	/* per question, and per answer */
#define ECHO_PAGE_BYTES	4096
#define ECHO_BYTES_MAX	(ECHO_PAGES * ECHO_PAGE_BYTES)

#ifdef __cplusplus
#include <cstdint>
typedef std::uint8_t u8;
typedef std::uint16_t u16;
typedef std::uint32_t u32;
typedef std::uint64_t u64;
typedef std::int32_t s32;
#else
#include <linux/build_bug.h>
#include <linux/types.h>
#endif

struct echo_request {
	u32 id;			/* the frontend's; comes back in the response */
	u32 length;		/* 1 to ECHO_BYTES_MAX */
	u32 checksum;		/* of the question */
	u32 reserved;		/* 0 */
	u32 question[ECHO_PAGES];	/* references; as many count as length needs */
	u32 answer[ECHO_PAGES];
};

enum echo_status {
	ECHO_OK = 0,
	ECHO_BAD_REQUEST = 1,	/* breaks the rules above */
	ECHO_BAD_GRANT = 2,	/* a page could not be mapped */
	ECHO_BAD_CHECKSUM = 3,	/* the question is not what its checksum says */
};

struct echo_response {
	u32 id;
	s32 status;
	u32 checksum;		/* of the answer, as the backend wrote it */
	u32 reserved;
};

static inline unsigned int echo_pages(u32 length)
{
	return (length + ECHO_PAGE_BYTES - 1) / ECHO_PAGE_BYTES;
}

#define ECHO_CHECKSUM_START	0x811c9dc5u

/* FNV-1a, goes on from the sum of what came before. */
static inline u32 echo_checksum(u32 sum, const void *data, u32 length)
{
	const u8 *at = (const u8 *)data, *end = at + length;

	while (at < end)
		sum = (sum ^ *at++) * 0x01000193u;
	return sum;
}

#ifndef __cplusplus
#include <xen/interface/io/ring.h>
DEFINE_RING_TYPES(vecho, struct echo_request, struct echo_response);
static_assert(sizeof(struct echo_request) == 48 && sizeof(struct echo_response) == 16);
static_assert(sizeof(union vecho_sring_entry) == 48);
#endif

#endif /* ECHO_H */
