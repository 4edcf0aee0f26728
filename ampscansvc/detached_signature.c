/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampscansvc/detached_signature.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define FILE_BYTES 65536 /* known ones have 5,170; one per generation of keys may be in it */
#define LINES 8          /* each may cost two readings of the container */
#define MAGIC "#clamsign-1.0"
#define FORMAT "pkcs7-pem:"
#define BLANKS " \t\r"
#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/* What became of a line, the worst first. */
enum worth { WORTH_UNREADABLE, WORTH_STRANGER, WORTH_CHANGED, WORTH_EXPIRED, WORTH_GOOD };

/* What OpenSSL objected to in a chain of certificates. */
struct objection {
	int error;
	struct tm end;
};

/* What the lines are held against. */
struct task {
	const char *container;
	STACK_OF(X509) * anchors;
};

static struct objection objection; /* of the verification that runs */

void detached_signature_prepare(void)
{
	static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};

	/* Refused when libclamav has set it up before: then it is set up. */
	(void)OPENSSL_init_crypto(OPENSSL_INIT_ADD_ALL_DIGESTS | OPENSSL_INIT_NO_ATEXIT, NULL);
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		EVP_MD_free(EVP_MD_fetch(NULL, digests[i], NULL));
}

static enum detached_signature refuse(char why[LIMIT_DETAIL_BYTES], const char *sentence)
{
	size_t at = 0;

	text_append(why, LIMIT_DETAIL_BYTES, &at, "%s", sentence);
	return DETACHED_BAD;
}

/* The first objection ends the verification. */
static int object(int is_fine, X509_STORE_CTX *context)
{
	const X509 *certificate = X509_STORE_CTX_get_current_cert(context);

	if (is_fine || objection.error)
		return is_fine;
	objection.error = X509_STORE_CTX_get_error(context);
	if (certificate)
		(void)ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &objection.end);
	return 0;
}

/* NULL when there is no certificate in it. */
static STACK_OF(X509) * read_anchors(struct span pem)
{
	BIO *text = pem.len ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	STACK_OF(X509) *anchors = sk_X509_new_null();
	X509 *certificate;

	while (text && anchors && (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)))
		if (!sk_X509_push(anchors, certificate))
			X509_free(certificate);
	ERR_clear_error(); /* "no more of them" is one */
	BIO_free(text);
	if (sk_X509_num(anchors) > 0)
		return anchors;
	sk_X509_free(anchors);
	return NULL;
}

/* Of one: of two with the same name OpenSSL would try only the first, and a renewed key keeps its name. */
static X509_STORE *make_store(X509 *anchor)
{
	X509_STORE *store = X509_STORE_new();

	/* The signer's certificate is for signing code, not mail. */
	if (store && X509_STORE_add_cert(store, anchor) &&
	    X509_STORE_set_purpose(store, X509_PURPOSE_ANY)) {
		X509_STORE_set_verify_cb(store, object);
		return store;
	}
	X509_STORE_free(store);
	return NULL;
}

/* The anchors besides the one of `store` may be links of the chain to it. */
static bool verify(PKCS7 *signature, const struct task *task, X509_STORE *store)
{
	int fd = open(task->container, O_RDONLY | O_CLOEXEC);
	BIO *content = fd < 0 ? NULL : BIO_new_fd(fd, BIO_NOCLOSE);
	bool is_good;

	memset(&objection, 0, sizeof(objection));
	is_good = content && PKCS7_verify(signature, task->anchors, store, content, NULL,
					  PKCS7_BINARY | PKCS7_NO_DUAL_CONTENT) == 1;

	ERR_clear_error();
	BIO_free(content);
	if (fd >= 0)
		close(fd);
	return is_good;
}

static bool is_of_time(int error)
{
	return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID;
}

/* As if all certificates were valid now. */
static bool verify_timeless(PKCS7 *signature, const struct task *task, X509_STORE *store)
{
	/* For good: it is the last that this store is used for. */
	(void)X509_STORE_set_flags(store, X509_V_FLAG_NO_CHECK_TIME); /* cannot fail */
	return verify(signature, task, store);
}

static enum worth try_anchor(PKCS7 *signature, const struct task *task, X509_STORE *store,
			     struct objection *ret_objection)
{
	if (verify(signature, task, store))
		return WORTH_GOOD;
	*ret_objection = objection;
	/* Only too late, or wrong as well? */
	if (is_of_time(objection.error) && verify_timeless(signature, task, store))
		return WORTH_EXPIRED;
	return objection.error ? WORTH_STRANGER : WORTH_CHANGED;
}

/* By the best of the anchors. A store for each attempt: nothing that one of them sets is there for the next. */
static enum worth judge(PKCS7 *signature, const struct task *task, struct objection *ret_objection)
{
	enum worth best = WORTH_UNREADABLE;

	for (int i = 0; i < sk_X509_num(task->anchors) && best != WORTH_GOOD; i++) {
		X509_STORE *store = make_store(sk_X509_value(task->anchors, i));
		struct objection found;
		enum worth worth;

		if (!store)
			continue;
		worth = try_anchor(signature, task, store, &found);
		X509_STORE_free(store);
		if (worth == WORTH_EXPIRED && best < WORTH_EXPIRED)
			*ret_objection = found;
		if (worth > best)
			best = worth;
	}
	return best;
}

static enum detached_signature tell_time(const struct objection *late, char why[LIMIT_DETAIL_BYTES])
{
	size_t at = 0;

	if (late->error == X509_V_ERR_CERT_HAS_EXPIRED)
		text_append(why, LIMIT_DETAIL_BYTES, &at,
			    "a certificate for its detached signature expired on %04d-%02d-%02d",
			    late->end.tm_year + 1900, late->end.tm_mon + 1, late->end.tm_mday);
	else
		text_append(why, LIMIT_DETAIL_BYTES, &at,
			    "a certificate for its detached signature is not valid yet: the clock "
			    "is wrong, or the certificate");
	return DETACHED_EXPIRED;
}

static enum detached_signature tell(enum worth worth, const struct objection *late,
				    char why[LIMIT_DETAIL_BYTES])
{
	switch (worth) {
	case WORTH_GOOD:
		return DETACHED_GOOD;
	case WORTH_EXPIRED:
		return tell_time(late, why);
	case WORTH_CHANGED:
		return refuse(
			why,
			"its detached signature does not verify: it was changed, or is another");
	case WORTH_STRANGER:
		return refuse(why, "its detached signature is by none of the trusted certificates");
	case WORTH_UNREADABLE:
		break;
	}
	return refuse(why, "its detached signature is of no known format");
}

/* The part behind "pkcs7-pem:" of a line "MIN:MAX:pkcs7-pem:BASE64"; NULL for other formats. Ours is no question of libclamav's version. */
static const char *find_base64(const char *line)
{
	for (int colons = 0; colons < 2; colons++) {
		line = strchr(line, ':');
		if (!line)
			return NULL;
		line++;
	}
	return strncmp(line, FORMAT, strlen(FORMAT)) == 0 ? line + strlen(FORMAT) : NULL;
}

/* How many bytes come of it; 0 for what is not whole base64. OpenSSL's own reader has ideas about blanks and ends. */
static size_t unpacked_bytes(const char *base64)
{
	size_t digits = strspn(base64, BASE64), len = strlen(base64);
	size_t fill = len - digits;

	if (len % 4 || fill > 2 || strspn(base64 + digits, "=") != fill)
		return 0;
	return len / 4 * 3 - fill;
}

/* NULL when it is none. */
static PKCS7 *decode(const char *base64)
{
	size_t bytes = unpacked_bytes(base64), len = strlen(base64);
	unsigned char *der = bytes ? malloc(len) : NULL;
	const unsigned char *at = der;
	PKCS7 *signature = NULL;

	if (der && EVP_DecodeBlock(der, (const unsigned char *)base64, (int)len) > 0)
		signature = d2i_PKCS7(NULL, &at, (long)bytes);
	if (signature && (at != der + bytes || !PKCS7_type_is_signed(signature))) {
		PKCS7_free(signature);
		signature = NULL;
	}
	ERR_clear_error();
	free(der);
	return signature;
}

/* As libclamav reads them: without the blanks around it. */
static char *next_line(char **rest)
{
	char *line = strsep(rest, "\n"), *end;

	if (!line)
		return NULL;
	line += strspn(line, BLANKS);
	for (end = line + strlen(line); end > line && strchr(BLANKS, end[-1]); end--)
		end[-1] = '\0';
	return line;
}

static enum worth judge_line(const char *line, const struct task *task,
			     struct objection *ret_objection)
{
	const char *base64 = find_base64(line);
	PKCS7 *signature = base64 ? decode(base64) : NULL;
	enum worth worth = WORTH_UNREADABLE;

	if (signature)
		worth = judge(signature, task, ret_objection);
	PKCS7_free(signature);
	return worth;
}

/* The lines behind the first; -1: too many. */
static int split(char *rest, const char *lines[LINES])
{
	const char *line;
	int n = 0;

	while ((line = next_line(&rest))) {
		if (!line[0] || line[0] == '#')
			continue;
		if (n == LINES)
			return -1;
		lines[n++] = line;
	}
	return n;
}

/* The best line counts, whatever lies beside it and before it. */
static enum detached_signature try_lines(char *rest, const struct task *task,
					 char why[LIMIT_DETAIL_BYTES])
{
	struct objection late = {0}, found = {0};
	enum worth best = WORTH_UNREADABLE;
	const char *lines[LINES];
	int n = split(rest, lines);

	if (n < 0)
		return refuse(why, "its detached signature has too many lines");
	for (int i = 0; i < n && best != WORTH_GOOD; i++) {
		enum worth worth = judge_line(lines[i], task, &found);

		if (worth == WORTH_EXPIRED && best < WORTH_EXPIRED)
			late = found;
		if (worth > best)
			best = worth;
	}
	return tell(best, &late, why);
}

/* A text of at most FILE_BYTES, the caller's to free; NULL with the state in *ret_state. */
static char *read_sign(const char *path, enum detached_signature *ret_state,
		       char why[LIMIT_DETAIL_BYTES])
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	char *text = NULL;
	ssize_t len = -1;

	*ret_state = DETACHED_ABSENT;
	if (fd < 0 && errno == ENOENT)
		return NULL;
	*ret_state = refuse(why, "its detached signature cannot be read");
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_size <= FILE_BYTES)
		text = calloc(1, FILE_BYTES + 1);
	if (text)
		len = read(fd, text, FILE_BYTES);
	if (fd >= 0)
		close(fd);
	if (len >= 0 && (size_t)len == strlen(text))
		return text;
	if (len >= 0)
		*ret_state = refuse(why, "its detached signature is of no known format");
	free(text);
	return NULL;
}

enum detached_signature detached_signature_check(const char *container, const char *sign,
						 struct span anchors, char why[LIMIT_DETAIL_BYTES])
{
	enum detached_signature state;
	char *text = read_sign(sign, &state, why), *rest = text;
	struct task task = {.container = container};

	if (!text)
		return state;
	why[0] = '\0';
	task.anchors = read_anchors(anchors);
	if (strcmp(next_line(&rest), MAGIC) != 0)
		state = refuse(why, "its detached signature is of no known format");
	else if (!task.anchors)
		state = DETACHED_UNHELD;
	else
		state = try_lines(rest, &task, why);
	sk_X509_pop_free(task.anchors, X509_free);
	free(text);
	return state;
}
