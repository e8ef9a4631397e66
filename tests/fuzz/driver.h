/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A main() around LLVMFuzzerTestOneInput(), for those who have no libFuzzer (with it:
 * -DFUZZ_LIBFUZZER -fsanitize=fuzzer, and this main() is left out). Include it last in a driver.
 *
 *   X_fuzz FILE...                        run each file once
 *   X_fuzz --mutate ROUNDS SEED FILE...   run ROUNDS mutations of the files and of the driver's own
 *                                         seeds
 *   X_fuzz --seeds DIR FILE...            write the same into DIR, for a fuzzer to begin with: each
 *                                         whole, cut off, and with bits flipped
 *
 * The same ROUNDS, SEED and files give the same inputs everywhere: a crash is found again by
 * running it again.
 *
 * A driver may define, before it includes this file:
 *   FUZZ_COST n     one of its inputs costs as much as n of others: ROUNDS is divided by it
 *   FUZZ_TOKENS     its input is text: half of the edits insert one of `fuzz_tokens[]`, its own
 * list
 */
#ifndef DEFERD_TESTS_FUZZ_DRIVER_H
#define DEFERD_TESTS_FUZZ_DRIVER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Each driver's own: fill `buf` with seed `i` and return its length, or 0 when there are no more.
 */
__attribute__((unused)) static size_t fuzz_seed(unsigned i, uint8_t *buf, size_t size);

#ifndef FUZZ_LIBFUZZER

#define FUZZ_INPUT_MAX (2u << 20)
#define FUZZ_SEEDS_MAX 64
#define FUZZ_EDITS_MAX 6
#ifndef FUZZ_COST
#define FUZZ_COST 1
#endif

struct fuzz_input {
	uint8_t *p;
	size_t len;
};

static uint64_t fuzz_state;

static uint64_t fuzz_random(uint64_t below)
{
	fuzz_state ^= fuzz_state << 13;
	fuzz_state ^= fuzz_state >> 7;
	fuzz_state ^= fuzz_state << 17;
	return below ? fuzz_state % below : 0;
}

/* An exact copy on the heap, so that a sanitizer sees every byte read past the end. */
static void fuzz_run(const uint8_t *p, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, p, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static size_t fuzz_edit(uint8_t *p, size_t len)
{
	static const uint64_t odd[] = { 0,          1,          0x7f,           0x80,
					0xff,       0x7fff,     0x8000,         0xffff,
					0x7fffffff, 0x80000000, 0xffffffff,     1ull << 32,
					1ull << 63, UINT64_MAX, UINT64_MAX - 7, 0x401000,
					0x602000,   64 };
	uint64_t v = odd[fuzz_random(sizeof(odd) / sizeof(odd[0]))];
	size_t width = 1u << fuzz_random(4), at;

	if (len < 16)
		return len;
	at = fuzz_random(len - 8) & ~(width - 1);
	switch (fuzz_random(6)) {
	case 0:
		p[at] ^= (uint8_t)(1u << fuzz_random(8));
		return len;
	case 1:
		p[at] = (uint8_t)fuzz_random(256);
		return len;
	case 2:
		if (fuzz_random(4) == 0)
			return fuzz_random(len);
		return len;
	case 3: /* one piece over another */
		memmove(p + fuzz_random(len - 8), p + at, 8);
		return len;
	default:
		memcpy(p + at, &v, width);
		return len;
	}
}

/* Put a token over, or between, what is there. */
static size_t fuzz_edit_text(uint8_t *p, size_t len)
{
#ifdef FUZZ_TOKENS
	const char *token = fuzz_tokens[fuzz_random(sizeof(fuzz_tokens) / sizeof(*fuzz_tokens))];
	size_t n = strlen(token), at = fuzz_random(len + 1);
	size_t over = fuzz_random(2) ? 0 : fuzz_random(len - at + 1) % 16;

	if (len - over + n > FUZZ_INPUT_MAX)
		return len;
	memmove(p + at + n, p + at + over, len - at - over);
	memcpy(p + at, token, n);
	return len - over + n;
#else
	return fuzz_edit(p, len);
#endif
}

static int fuzz_read(const char *path, struct fuzz_input *ret)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		return -1;
	ret->p = malloc(FUZZ_INPUT_MAX);
	ret->len = ret->p ? fread(ret->p, 1, FUZZ_INPUT_MAX, f) : 0;
	fclose(f);
	return ret->p ? 0 : -1;
}

/* The driver's own seeds, then the files; how many. */
static unsigned fuzz_inputs(struct fuzz_input ret[FUZZ_SEEDS_MAX], char **files, int nfiles)
{
	static uint8_t buf[FUZZ_INPUT_MAX];
	unsigned n = 0;
	size_t len;

	for (unsigned i = 0; n < FUZZ_SEEDS_MAX && (len = fuzz_seed(i, buf, sizeof(buf))) > 0;
	     i++) {
		ret[n].p = malloc(len);
		if (!ret[n].p)
			abort();
		memcpy(ret[n].p, buf, len);
		ret[n++].len = len;
	}
	for (int i = 0; i < nfiles && n < FUZZ_SEEDS_MAX; i++)
		if (fuzz_read(files[i], &ret[n]) == 0)
			n++;
	return n;
}

static int fuzz_write(const char *dir, unsigned i, const char *what, unsigned k, const uint8_t *p,
		      size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%02u-%s%u", dir, i, what, k);
	f = fopen(path, "wb");
	if (!f)
		return -1;
	if (len)
		len -= fwrite(p, 1, len, f);
	return fclose(f) == 0 && len == 0 ? 0 : -1;
}

static int fuzz_write_seeds(const char *dir, char **files, int nfiles)
{
	static struct fuzz_input in[FUZZ_SEEDS_MAX];
	unsigned n = fuzz_inputs(in, files, nfiles);
	int bad = 0;

	fuzz_state = 10035;
	for (unsigned i = 0; i < n; i++) {
		bad |= fuzz_write(dir, i, "whole", 0, in[i].p, in[i].len);
		for (unsigned k = 1; k < 4; k++)
			bad |= fuzz_write(dir, i, "cut", k, in[i].p, in[i].len * k / 4);
		for (unsigned k = 0; k < 4 && in[i].len; k++) {
			for (unsigned flips = 0; flips < 8u << k; flips++)
				in[i].p[fuzz_random(in[i].len)] ^= (uint8_t)(1u << fuzz_random(8));
			bad |= fuzz_write(dir, i, "flipped", k, in[i].p, in[i].len);
		}
		free(in[i].p);
	}
	return bad ? 1 : 0;
}

static int fuzz_mutate(unsigned long rounds, uint64_t seed, char **files, int nfiles)
{
	static struct fuzz_input in[FUZZ_SEEDS_MAX];
	static uint8_t work[FUZZ_INPUT_MAX];
	unsigned n = fuzz_inputs(in, files, nfiles);
	size_t len;

	fuzz_state = seed * 0x9e3779b97f4a7c15u | 1;
	for (unsigned long r = 0; r < rounds / FUZZ_COST + 1 && n; r++) {
		const struct fuzz_input *from = &in[fuzz_random(n)];

		memcpy(work, from->p, from->len);
		len = from->len;
		for (uint64_t edits = fuzz_random(FUZZ_EDITS_MAX) + 1; edits; edits--)
			len = edits % 2 ? fuzz_edit_text(work, len) : fuzz_edit(work, len);
		fuzz_run(work, len);
	}
	for (unsigned i = 0; i < n; i++)
		free(in[i].p);
	return n ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "--mutate"))
		return fuzz_mutate(strtoul(argv[2], NULL, 0), strtoull(argv[3], NULL, 0), argv + 4,
				   argc - 4);
	if (argc >= 3 && !strcmp(argv[1], "--seeds"))
		return fuzz_write_seeds(argv[2], argv + 3, argc - 3);
	for (int i = 1; i < argc; i++) {
		struct fuzz_input in;

		if (fuzz_read(argv[i], &in) < 0) {
			fprintf(stderr, "%s: cannot read %s\n", argv[0], argv[i]);
			return 1;
		}
		fuzz_run(in.p, in.len);
		free(in.p);
	}
	return 0;
}

#endif
#endif
