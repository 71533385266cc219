/*
 * Which of two version texts is the newer one, as the UAPI group's "Version Format Specification" and
 * systemd-analyze compare-versions have it:
 *
 *     1~rc1  <  1  <  1^post  ;  1-r1 < 1.1  ;  1.9 < 1.10  ;  1.a < 1.1  ;  a < b  ;  1.0 = 1.00
 *
 * Read from the left, a part at a time; characters but letters, digits and ~ - ^ . only part the others.
 */
#pragma once

/* < 0: a is older; 0: neither is newer; > 0: a is newer. */
int version_compare(const char *a, const char *b);
