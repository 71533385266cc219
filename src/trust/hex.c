#include "trust/hex.h"

#include <string.h>

/* The value of a digit, or 16. */
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned int)(c - 'A') + 10 : 16;
}

bool hex_read(const char *hex, void *ret_bytes, size_t size)
{
	unsigned char *bytes = ret_bytes;

	if (strlen(hex) != 2 * size)
		return false;
	for (size_t i = 0; i < 2 * size; i++)
		if (digit_value(hex[i]) == 16)
			return false;
	for (size_t i = 0; i < size; i++)
		bytes[i] =
			(unsigned char)(digit_value(hex[2 * i]) << 4 | digit_value(hex[2 * i + 1]));
	return true;
}
