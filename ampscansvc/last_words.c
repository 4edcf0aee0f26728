/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/last_words.h"

#include <link.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/birth_contract.h"
#include "base/last_words.h"

#define MODULES 64              /* the library brings some thirty; of more the offset is not told */
#define STACK_BYTES (64u << 10) /* the state that the kernel saves on it may take 11 kB alone */
#define WORDS_BYTES ((size_t)BIRTH_WORKER_SLOTS * LAST_WORDS_PAGE_BYTES)

/* Mapped code: what a program counter is looked up in. */
struct module {
	uintptr_t begin, end, base;
	char name[LAST_WORDS_MODULE_BYTES];
};

static struct module modules[MODULES];
static unsigned n_modules;
static uint8_t handler_stack[STACK_BYTES] __attribute__((aligned(16)));

static uint8_t *pages; /* of all slots; NULL: there are none */
static struct last_words *lent;

/* Nobody reads it: a worker without a page need not ask at each step. */
static struct last_words nowhere;
static volatile struct last_words *words = &nowhere;

/* ---- in the parent ---- */

static void name_module(struct module *module, const char *path)
{
	const char *slash = strrchr(path, '/');

	/* The program itself has no name here. The field need not end. */
	strncpy(module->name,
		slash     ? slash + 1
		: path[0] ? path
			  : "ampscansvc",
		sizeof(module->name) - 1);
}

static int add_module(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;    /* what is read here was there from the beginning */
	(void)context; /* the table is ours */
	for (int i = 0; i < info->dlpi_phnum && n_modules < MODULES; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		struct module *module = &modules[n_modules];

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		module->base = info->dlpi_addr;
		module->begin = module->base + part->p_vaddr;
		module->end = module->begin + part->p_memsz;
		name_module(module, info->dlpi_name);
		n_modules++;
	}
	return 0;
}

static void let_go(void)
{
	if (pages)
		(void)munmap(pages, WORDS_BYTES); /* our own mapping */
	pages = NULL;
	lent = NULL;
}

void last_words_prepare(int fd)
{
	struct stat status;
	void *at = MAP_FAILED;

	/* A service that is given none has /dev/null there, or nothing. */
	if (fstat(fd, &status) < 0)
		return;
	if (S_ISREG(status.st_mode) && status.st_size == (off_t)WORDS_BYTES)
		at = mmap(NULL, WORDS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return;
	pages = at;
	if (madvise(pages, WORDS_BYTES, MADV_DONTFORK) < 0)
		let_go();
	(void)dl_iterate_phdr(add_module, NULL); /* the callback never stops it */
}

void last_words_lend(unsigned slot)
{
	uint8_t *page;

	lent = NULL;
	if (!pages || slot >= BIRTH_WORKER_SLOTS)
		return;
	page = pages + (size_t)slot * LAST_WORDS_PAGE_BYTES;
	memset(page, 0, LAST_WORDS_PAGE_BYTES);
	if (madvise(page, LAST_WORDS_PAGE_BYTES, MADV_DOFORK) == 0)
		lent = (struct last_words *)(void *)page;
}

void last_words_take_back(void)
{
	/* The next child would find it: better no words than forged ones. */
	if (lent && madvise(lent, LAST_WORDS_PAGE_BYTES, MADV_DONTFORK) < 0)
		let_go();
	lent = NULL;
}

/* ---- in the worker ---- */

static uintptr_t program_counter(const ucontext_t *at, uintptr_t *ret_stack)
{
#if defined(__x86_64__)
	*ret_stack = (uintptr_t)at->uc_mcontext.gregs[REG_RSP];
	return (uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	*ret_stack = (uintptr_t)at->uc_mcontext.sp;
	return (uintptr_t)at->uc_mcontext.pc;
#else
	(void)at; /* the words then lack the place */
	*ret_stack = 0;
	return 0;
#endif
}

/* In a process that is broken: nothing of libc that could be broken too. */
static void note_place(uintptr_t counter)
{
	for (unsigned i = 0; i < n_modules; i++) {
		const struct module *module = &modules[i];

		if (counter < module->begin || counter >= module->end)
			continue;
		words->offset = counter - module->base;
		for (size_t at = 0; at < sizeof(module->name); at++)
			words->module[at] = module->name[at];
		return;
	}
	words->offset = counter; /* in no module: a jump to nowhere */
}

/*
 * The default action is back before this runs (SA_RESETHAND): a fault faults again at once, and the wait status names it. A signal that was
 * sent, by abort() for one, is sent again; it comes when this returns.
 */
static void handle(int number, siginfo_t *info, void *context)
{
	uintptr_t stack, counter = program_counter(context, &stack);

	words->code = (uint32_t)info->si_code;
	words->address = info->si_code > 0 ? (uint64_t)(uintptr_t)info->si_addr : 0;
	words->stack = stack;
	note_place(counter);
	words->signal = (uint32_t)number;
	if (info->si_code <= 0)
		(void)syscall(SYS_tgkill, getpid(), syscall(SYS_gettid),
			      number); /* or the wall kills */
}

static void arm(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	const stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof(handler_stack)};
	struct sigaction action = {.sa_sigaction = handle,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	/* Refused, a stack that ran out ends without words, and all else goes on. */
	(void)sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		(void)sigaction(faults[i], &action, NULL); /* cannot fail with these arguments */
}

void last_words_begin(uint64_t worker)
{
	if (!lent)
		return;
	words = lent;
	words->phase = SCAN_PHASE_BIRTH;
	words->worker = worker;
	arm();
}

void last_words_enter(enum scan_phase phase)
{
	words->phase = phase;
}

void last_words_take_job(uint64_t job)
{
	words->job = job;
}

void last_words_note_content(const char *type, unsigned depth)
{
	size_t at = 0;

	words->depth = depth;
	for (; at < sizeof(words->type) - 1 && type[at]; at++)
		words->type[at] = type[at];
	words->type[at] = '\0';
}
