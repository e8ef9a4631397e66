// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "ui/grid.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"

int grid_init(struct grid *g, unsigned rows, unsigned cols)
{
	*g = (struct grid){ .rows = rows, .cols = cols };
	g->cells = calloc((size_t)rows * cols + 1, sizeof(*g->cells));
	if (!g->cells)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)rows * cols; i++)
		g->cells[i].ch = ' ';
	return 0;
}

void grid_done(struct grid *g)
{
	free(g->cells);
	*g = (struct grid){};
}

static uint32_t decode(const char *s, size_t len)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t ch = (unsigned char)s[0] & first_bits[len];

	for (size_t i = 1; i < len; i++)
		ch = ch << 6 | ((unsigned char)s[i] & 0x3f);
	return ch;
}

/* The next character of *s, made harmless; its width is 0 (leave it out), 1 or 2. 0 at the end. */
static uint32_t next_char(const char **s, unsigned *ret_width)
{
	size_t len = strnlen(*s, 4), n = utf8_char_len(*s, len);
	uint32_t ch = n ? decode(*s, n) : '?';
	int width;

	if (!len)
		return 0;
	*s += n ? n : 1;
	if (ch < 0x20 || (ch >= 0x7f && ch < 0xa0))
		ch = '?';
	width = wcwidth((wchar_t)ch);
	*ret_width = width < 0 ? 1 : (unsigned)width;
	return width < 0 ? '?' : ch;
}

unsigned grid_width(const char *text)
{
	unsigned width, sum = 0;

	while (next_char(&text, &width))
		sum += width;
	return sum;
}

size_t grid_fit(const char *text, unsigned width)
{
	const char *at = text, *end = text;
	unsigned used = 0, w;

	while (next_char(&at, &w)) {
		used += w;
		if (used > width && end != text)
			break;
		end = at;
	}
	return (size_t)(end - text);
}

/* Half a wide character is none: what is left of one that is overwritten becomes a blank. */
static void set_cell(struct grid *g, unsigned row, unsigned col, uint32_t ch, enum style style)
{
	struct cell *c;

	if (row >= g->rows || col >= g->cols)
		return;
	c = g->cells + (size_t)row * g->cols + col;
	if (ch && !c->ch && col)
		c[-1].ch = ' ';
	if (col + 1 < g->cols && !c[1].ch)
		c[1].ch = ' ';
	*c = (struct cell){ ch, style };
}

unsigned grid_put(struct grid *g, unsigned row, unsigned col, unsigned width, enum style style,
		  const char *text)
{
	unsigned used = 0, w;
	uint32_t ch;

	if (col >= g->cols)
		return 0;
	if (width > g->cols - col)
		width = g->cols - col;
	while ((ch = next_char(&text, &w))) {
		if (used + w > width)
			break;
		if (!w)
			continue;
		set_cell(g, row, col + used, ch, style);
		if (w == 2)
			set_cell(g, row, col + used + 1, 0, style);
		used += w;
	}
	return used;
}

void grid_put_right(struct grid *g, unsigned row, unsigned col, unsigned width, enum style style,
		    const char *text)
{
	unsigned w = grid_width(text);

	if (w < width) {
		col += width - w;
		width = w;
	}
	(void)grid_put(g, row, col, width, style, text);
}

void grid_put_tail(struct grid *g, unsigned row, unsigned col, unsigned width, enum style style,
		   const char *text)
{
	unsigned all = grid_width(text), w;

	if (all > width && width > 2) {
		col += grid_put(g, row, col, width, style, "..");
		width -= 2;
		while (all > width && next_char(&text, &w))
			all -= w;
	}
	(void)grid_put(g, row, col, width, style, text);
}

void grid_fill(struct grid *g, unsigned row, enum style style)
{
	for (unsigned col = 0; col < g->cols; col++)
		set_cell(g, row, col, ' ', style);
}

void grid_select(struct grid *g, unsigned row)
{
	for (unsigned col = 0; row < g->rows && col < g->cols; col++)
		g->cells[(size_t)row * g->cols + col].style |= STYLE_SELECTED;
}

static void put_utf8(struct buf *b, uint32_t ch)
{
	if (ch < 0x80) {
		buf_putc(b, (char)ch);
		return;
	}
	if (ch >= 0x10000) {
		buf_putc(b, (char)(0xf0 | ch >> 18));
		buf_putc(b, (char)(0x80 | (ch >> 12 & 0x3f)));
	} else if (ch >= 0x800) {
		buf_putc(b, (char)(0xe0 | ch >> 12));
	} else {
		buf_putc(b, (char)(0xc0 | ch >> 6));
		buf_putc(b, (char)(0x80 | (ch & 0x3f)));
		return;
	}
	buf_putc(b, (char)(0x80 | (ch >> 6 & 0x3f)));
	buf_putc(b, (char)(0x80 | (ch & 0x3f)));
}

void grid_text(const struct grid *g, unsigned rows, struct buf *b)
{
	for (unsigned row = 0; row < rows && row < g->rows; row++) {
		const struct cell *c = g->cells + (size_t)row * g->cols;
		unsigned end = g->cols;

		while (end && c[end - 1].ch == ' ')
			end--;
		for (unsigned col = 0; col < end; col++) {
			if (c[col].ch)
				put_utf8(b, c[col].ch);
		}
		buf_putc(b, '\n');
	}
}

void grid_styles(const struct grid *g, unsigned rows, struct buf *b)
{
	static const char letters[STYLE_MAX] = { '.', 'd', 's', 't', 'o', 'k', 'g', 'w', 'a' };

	for (unsigned row = 0; row < rows && row < g->rows; row++) {
		const struct cell *c = g->cells + (size_t)row * g->cols;
		unsigned end = g->cols;

		while (end && c[end - 1].style == STYLE_PLAIN)
			end--;
		for (unsigned col = 0; col < end; col++) {
			char letter = letters[c[col].style & ~STYLE_SELECTED];

			buf_putc(b, c[col].style & STYLE_SELECTED
					    ? letter == '.' ? ':' : (char)toupper(letter)
					    : letter);
		}
		buf_putc(b, '\n');
	}
}

unsigned grid_scroll(unsigned top, int rows)
{
	if (rows >= 0)
		return top + (unsigned)rows;
	return top < (unsigned)-rows ? 0 : top - (unsigned)-rows;
}

unsigned grid_scroll_end(unsigned top, unsigned n, unsigned all)
{
	if (top + n <= all)
		return top;
	return all > n ? all - n : 0;
}
