#include "base/linediff.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct lines {
	struct line {
		const char *text;
		size_t size;
	} list[LINEDIFF_LINES_MAX];
	size_t n;
};

/* Two texts, and the longest common subsequence of what is left of both from each pair of lines on. */
struct comparison {
	struct lines old_lines, new_lines;
	uint16_t common[LINEDIFF_LINES_MAX + 1][LINEDIFF_LINES_MAX + 1];
};

static bool split(const char *text, struct lines *lines)
{
	while (*text) {
		size_t size = strcspn(text, "\n");

		if (lines->n == LINEDIFF_LINES_MAX)
			return false;
		lines->list[lines->n++] = (struct line){ text, size };
		text += size + (text[size] == '\n');
	}
	return true;
}

static bool equal(const struct comparison *comparison, size_t i, size_t j)
{
	const struct line *a = &comparison->old_lines.list[i];
	const struct line *b = &comparison->new_lines.list[j];

	return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

static void compare(struct comparison *comparison)
{
	for (size_t i = comparison->old_lines.n; i-- > 0;)
		for (size_t j = comparison->new_lines.n; j-- > 0;) {
			uint16_t down = comparison->common[i + 1][j];
			uint16_t right = comparison->common[i][j + 1];

			comparison->common[i][j] =
				equal(comparison, i, j) ?
					(uint16_t)(comparison->common[i + 1][j + 1] + 1) :
				down > right ? down :
					       right;
		}
}

static void tell(const struct comparison *comparison,
		 void (*take)(void *data, char sign, const char *line, size_t size), void *data)
{
	const struct lines *a = &comparison->old_lines, *b = &comparison->new_lines;
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		if (i < a->n && j < b->n && equal(comparison, i, j)) {
			i++, j++;
		} else if (j == b->n || (i < a->n && comparison->common[i + 1][j] >=
							     comparison->common[i][j + 1])) {
			take(data, '-', a->list[i].text, a->list[i].size);
			i++;
		} else {
			take(data, '+', b->list[j].text, b->list[j].size);
			j++;
		}
	}
}

int linediff_tell(const char *old_text, const char *new_text,
		  void (*take)(void *data, char sign, const char *line, size_t size), void *data,
		  struct error *err)
{
	_cleanup_free_ struct comparison *comparison = calloc(1, sizeof(*comparison));

	if (!comparison)
		return error_errno(err, "comparing");
	if (!split(old_text, &comparison->old_lines) || !split(new_text, &comparison->new_lines))
		return LINEDIFF_TOO_LONG;
	compare(comparison);
	tell(comparison, take, data);
	return 0;
}
