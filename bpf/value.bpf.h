/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the value of a panic holds, read while it is certainly there: an error, its strings, and the
 * errors in it. Which types can be told, and where what lies in them, user space says (map `shapes`);
 * of another type nothing is read.
 */
#ifndef DEFERD_VALUE_BPF_H
#define DEFERD_VALUE_BPF_H

#include "deferd.bpf.h"

#define ITAB_TYPE 8 /* runtime.itab */

static __always_inline struct dfd_shape *shape_of(__u32 target, __u64 type)
{
	struct dfd_shape_key key = { .type = type, .target = target };

	return bpf_map_lookup_elem(&shapes, &key);
}

static __always_inline __u64 node_word(const struct dfd_node *n, __u32 i)
{
	__u32 at = bounded(i, 15);

	return at < DFD_NODE_WORDS ? n->words[at] : 0;
}

static __always_inline void node_text(struct dfd_node *n, __u32 k, __u32 word)
{
	__u64 ptr = node_word(n, word), all = node_word(n, word + 1);
	__u32 len = all < DFD_NODE_TEXT_MAX ? all : DFD_NODE_TEXT_MAX;

	asm volatile("" : "+r"(len));
	if (!len || len > DFD_NODE_TEXT_MAX)
		return;
	if (bpf_probe_read_user(n->text[k], len, (const void *)ptr))
		n->unread = 1;
	else
		n->text_len[k] = len;
}

/* Its words and texts stay as they are until they are read. */
static __always_inline void node_begin(struct dfd_rec_value *r, __u32 parent, __u32 slot,
				       __u64 type, __u64 data)
{
	struct dfd_node *n = &r->nodes[bounded(r->n, DFD_NODES_MAX - 1)];

	n->type = type;
	n->data = data;
	n->parent = parent;
	n->slot = slot;
	n->known = n->unread = n->pad = 0;
	__builtin_memset(n->text_len, 0, sizeof(n->text_len));
	r->n++;
}

/* Another node: what the interface {itab, data} at `at` of node `parent` holds. */
static __always_inline void node_add(struct dfd_rec_value *r, __u32 parent, __u32 slot, __u64 itab,
				     __u64 data)
{
	__u64 type = 0;

	if (!itab || r->n >= DFD_NODES_MAX)
		return;
	if (bpf_probe_read_user(&type, sizeof(type), (const void *)(itab + ITAB_TYPE)))
		return;
	node_begin(r, parent, slot, type, data);
}

static __always_inline void node_list(struct dfd_rec_value *r, const struct dfd_node *n, __u32 i)
{
	__u64 pair[2], list = n->words[0];
	__u32 k;

	for (k = 0; k < DFD_NODE_ERRORS && k < n->words[1]; k++) {
		if (bpf_probe_read_user(pair, sizeof(pair), (const void *)(list + 16 * k)))
			return;
		node_add(r, i, k, pair[0], pair[1]);
	}
}

static __noinline int node_read(struct dfd_rec_value *r, __u32 i)
{
	struct dfd_node *n;
	struct dfd_shape *s;
	__u32 k, len;

	if (!r)
		return 0;
	n = &r->nodes[bounded(i, DFD_NODES_MAX - 1)];
	s = shape_of(r->h.target, n->type);
	if (!s)
		return 0;
	n->known = s->known;
	len = bounded(s->words, 15) * 8;
	if (len > sizeof(n->words))
		return 0;
	if (len && bpf_probe_read_user(n->words, len, (const void *)n->data)) {
		n->unread = 1;
		return 0;
	}
	for (k = 0; k < DFD_NODE_TEXTS; k++) {
		if (k < s->n_texts)
			node_text(n, k, s->texts[k]);
	}
	for (k = 0; k < DFD_NODE_ERRORS; k++) {
		if (k < s->n_errors)
			node_add(r, i, k, node_word(n, s->errors[k]),
				 node_word(n, s->errors[k] + 1));
	}
	if (s->is_list)
		node_list(r, n, i);
	return 0;
}

/* The value of panic `id`, unless its type says all of it. */
static __noinline int value_tell(__u32 target, __u64 id, __u64 type, __u64 data)
{
	struct dfd_shape *s = shape_of(target, type);
	struct dfd_rec_value *r;
	__u32 i;

	if (!s || s->flat)
		return 0;
	r = record_reserve(target, DFD_REC_VALUE, sizeof(*r));
	if (!r)
		return 0;
	r->id = id;
	r->n = r->pad = 0;
	node_begin(r, 0, 0, type, data);
	for (i = 0; i < DFD_NODES_MAX; i++) {
		if (i >= r->n)
			break;
		node_read(r, i);
	}
	record_submit(r);
	return 0;
}

#endif
