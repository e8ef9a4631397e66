/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Which Go release built a file. Reads .go.buildinfo in both of its formats and, when a linker
 * script or a strip tool has dropped it, the string variable runtime.buildVersion. Pure; borrows
 * from the image; any thread.
 */
#ifndef DEFERD_GOLANG_BUILDINFO_H
#define DEFERD_GOLANG_BUILDINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "elf/elfimg.h"

#define GO_VERSION_MAX 96 /* bytes of a version with its NUL; a longer one is cut */

enum go_version_source {
	GO_VERSION_NONE = 0,
	GO_VERSION_BUILDINFO, /* .go.buildinfo */
	GO_VERSION_VARIABLE,  /* a string that looks like runtime.buildVersion */
	GO_VERSION_SOURCE_MAX,
};

/* Where the header begins that every Go linker leaves in the data, at a multiple of 16 bytes. */
#define GO_BUILDINFO_MAGIC     "\xff Go buildinf:"
#define GO_BUILDINFO_MAGIC_LEN 14

struct go_version {
	uint16_t minor; /* 26 of go1.26.8; 0: not known */
	uint16_t patch; /* 8 */
	uint8_t source; /* enum go_version_source */
	bool devel;     /* built from a tree between releases, or a beta or release candidate */
	char text[GO_VERSION_MAX];
};

/* Split "go1.26.8", "go1.27rc1", "go1.26.1 X:nocoverageredesign", "devel go1.28-9e3b1d53a0 ...". 0,
 * or -EINVAL. */
int go_version_parse(const char *text, size_t len, struct go_version *ret);

/* 0; -ENOENT when neither place names a version. *ret is written on success only. */
int buildinfo_version(const struct elfimg *img, struct go_version *ret);

/*
 * Modules and settings of the build, a line each: "build\t-trimpath=true"; empty where .go.buildinfo
 * does not have them inline (before Go 1.18). Borrowed from the image.
 */
struct bytes buildinfo_settings(const struct elfimg *img);

/* Whether the file has a .go.buildinfo header, readable or not: "this was meant to be a Go
 * program". */
bool buildinfo_present(const struct elfimg *img);

#endif
