/*
 * Path patterns of delegations (TUF specification 4.5, PATHPATTERN; glob(7)).
 */
#pragma once

#include <stdbool.h>

/*
 * Does the pattern match the whole path? ? matches one character, * any number, [a-z] and [!a-z]
 * one of (or not of) a set, \ takes the meaning of the next character; none of them matches a /,
 * and a set without an end matches nothing. Both are UTF-8. Time is at most the product of the
 * lengths.
 */
bool pattern_match(const char *pattern, const char *path);
