/* SPDX-License-Identifier: GPL-2.0 */
/* What front_ring.cc needs of the kernel besides grants and pages. */
#ifndef ECHO_GLUE_H
#define ECHO_GLUE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Zeroed memory, or NULL. */
void *echo_glue_alloc(unsigned long size);
void echo_glue_free(void *memory);

#ifdef __cplusplus
}
#endif

#endif /* ECHO_GLUE_H */
