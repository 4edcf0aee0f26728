/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/quiet_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

int quiet_thread_start(void *(*run)(void *argument), void *argument, size_t stack_bytes)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	pthread_t thread;
	int r;

	if (pthread_attr_init(&attributes))
		return -ENOMEM;
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* cannot fail with these arguments */
	(void)pthread_attr_setstacksize(&attributes, stack_bytes); /* refused: the default's cost */
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED); /* known value */
	r = pthread_create(&thread, &attributes, run, argument);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* as above */
	(void)pthread_attr_destroy(&attributes);           /* cannot fail */
	return -r;
}
