#include "base/version.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define DIGITS	"0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define MARKS	"~-^."

static int order(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* If only one has the mark here, it is the older one: true, and *ret_order says which. */
static bool compare_mark(const char **a, const char **b, char mark, int *ret_order)
{
	bool in_a = **a == mark;
	bool in_b = **b == mark;

	*a += in_a;
	*b += in_b;
	*ret_order = (int)in_b - (int)in_a;
	return in_a != in_b;
}

/* A number is newer than no number; numbers may have any length. */
static int compare_digits(const char **a, const char **b)
{
	size_t size_a = strspn(*a, DIGITS);
	size_t size_b = strspn(*b, DIGITS);
	const char *end_a = *a + size_a;
	const char *end_b = *b + size_b;
	int r = order(size_a > 0, size_b > 0);

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	if (r == 0)
		r = order((size_t)(end_a - *a), (size_t)(end_b - *b));
	if (r == 0)
		r = strncmp(*a, *b, (size_t)(end_a - *a));
	*a = end_a;
	*b = end_b;
	return r;
}

static int compare_letters(const char **a, const char **b)
{
	size_t size_a = strspn(*a, LETTERS);
	size_t size_b = strspn(*b, LETTERS);
	int r = strncmp(*a, *b, size_a < size_b ? size_a : size_b);

	*a += size_a;
	*b += size_b;
	return r != 0 ? r : order(size_a, size_b);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int version_compare(const char *a, const char *b)
{
	static const char marks[] = "-^.";
	int r = 0;

	while (r == 0) {
		a += strcspn(a, DIGITS LETTERS MARKS);
		b += strcspn(b, DIGITS LETTERS MARKS);
		if (compare_mark(&a, &b, '~', &r))
			break;
		if (*a == '\0' || *b == '\0')
			return order(*a != '\0', *b != '\0');
		for (const char *mark = marks; *mark && r == 0; mark++)
			(void)compare_mark(&a, &b, *mark, &r);
		if (r == 0 && (is_digit(*a) || is_digit(*b)))
			r = compare_digits(&a, &b);
		else if (r == 0)
			r = compare_letters(&a, &b);
	}
	return r;
}
