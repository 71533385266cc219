#include "trust/hex.h"

#include <string.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_read(const char *hex, void *ret_bytes, size_t size)
{
	unsigned char *bytes = ret_bytes;

	if (strlen(hex) != 2 * size)
		return false;
	for (size_t i = 0; i < 2 * size; i++)
		if (digit_value(hex[i]) < 0)
			return false;
	for (size_t i = 0; i < size; i++)
		bytes[i] =
			(unsigned char)(digit_value(hex[2 * i]) << 4 | digit_value(hex[2 * i + 1]));
	return true;
}
