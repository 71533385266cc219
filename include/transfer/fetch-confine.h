/*
 * The fetch helper gives away what it could do harm with, once and for all, before it sees the first
 * byte from outside. docs/TRANSFER.md says what is left, and what a kernel without Landlock leaves.
 */
#pragma once

#include "base/error.h"

#define FETCH_CONFINE_TEXT_MAX 96

struct fetch_confine_options {
	const char *user; /* to become; where there is no such user: nobody (65534) */
	int file_root_fd; /* the folder of file:// URLs, open; -1: none */
};

/*
 * In this order: limits, and that it goes first when memory is short; the user, no groups, no capability, no way to new ones (where the process is
 * not root it stays who it is), and an end with the thread that started it; Landlock, where the kernel
 * has it; the filter of system calls. One thread. What is in force is written to ret_text:
 * "user 65534, landlock 7, seccomp".
 */
int fetch_confine(const struct fetch_confine_options *options,
		  char ret_text[static FETCH_CONFINE_TEXT_MAX], struct error *err);
