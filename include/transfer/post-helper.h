/*
 * The child of post_run(). Order: lines "key=value" (base/text.h): user, timeout (usec), body, and either url and
 * header.0, header.1, … or word.0, … and variable.0, …
 *
 * With a url it is confined as the fetch helper is (transfer/fetch-confine.h), sends one POST, follows no
 * redirection, and writes one line that says what came of it. Otherwise it becomes the user, without
 * capabilities and any way to new ones, and executes the command with the body as standard input.
 */
#pragma once

/* Exit status: 0, delivered; 1, not; or the command's. */
int post_helper_main(void);
