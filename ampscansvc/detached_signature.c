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
#define MAGIC "#clamsign-1."
#define FORMAT "pkcs7-pem:"
#define LINES 8

/* What OpenSSL objected to in a chain of certificates; one verification at a time. */
static struct {
	int error;
	struct tm end;
} objection;

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
static X509_STORE *make_store(struct span anchors)
{
	BIO *pem = BIO_new_mem_buf(anchors.data, (int)anchors.len);
	X509_STORE *store = X509_STORE_new();
	X509 *certificate;
	int n = 0;

	while (pem && store && (certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL))) {
		n += X509_STORE_add_cert(store, certificate);
		X509_free(certificate);
	}
	ERR_clear_error(); /* "no more of them" is one */
	BIO_free(pem);
	/* The signer's certificate is for signing code, not mail. */
	if (n && X509_STORE_set_purpose(store, X509_PURPOSE_ANY)) {
		X509_STORE_set_verify_cb(store, object);
		return store;
	}
	X509_STORE_free(store);
	return NULL;
}

static bool verify(PKCS7 *signature, const char *container, X509_STORE *store)
{
	int fd = open(container, O_RDONLY | O_CLOEXEC);
	BIO *content = fd < 0 ? NULL : BIO_new_fd(fd, BIO_NOCLOSE);
	bool is_good = content && PKCS7_verify(signature, NULL, store, content, NULL,
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

static enum detached_signature tell_time(char why[LIMIT_DETAIL_BYTES])
{
	size_t at = 0;

	if (objection.error == X509_V_ERR_CERT_HAS_EXPIRED)
		text_append(why, LIMIT_DETAIL_BYTES, &at,
			    "a certificate for its detached signature expired on %04d-%02d-%02d",
			    objection.end.tm_year + 1900, objection.end.tm_mon + 1,
			    objection.end.tm_mday);
	else
		text_append(why, LIMIT_DETAIL_BYTES, &at,
			    "a certificate for its detached signature is not valid yet: the clock "
			    "is wrong, or the certificate");
	return DETACHED_EXPIRED;
}

static enum detached_signature judge(PKCS7 *signature, const char *container, X509_STORE *store,
				     char why[LIMIT_DETAIL_BYTES])
{
	int error;

	memset(&objection, 0, sizeof(objection));
	if (verify(signature, container, store))
		return DETACHED_GOOD;
	error = objection.error;
	if (is_of_time(error)) {
		/* Only too late, or wrong as well? The date of the first objection is kept. */
		(void)X509_STORE_set_flags(store, X509_V_FLAG_NO_CHECK_TIME); /* cannot fail */
		if (verify(signature, container, store))
			return tell_time(why);
	}
	if (error && !is_of_time(error))
		return refuse(why, "its detached signature is by none of the trusted certificates");
	return refuse(why, "its detached signature does not verify: it was changed, or is another");
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

/* NULL when it is none. */
static PKCS7 *decode(const char *base64)
{
	size_t len = strlen(base64);
	unsigned char *der = malloc(len + 4);
	const unsigned char *at = der;
	PKCS7 *signature = NULL;
	int n = -1;

	if (der && len >= 4)
		n = EVP_DecodeBlock(der, (const unsigned char *)base64, (int)len);
	if (n > 2)
		n -= (base64[len - 1] == '=') + (base64[len - 2] == '=');
	if (n > 0)
		signature = d2i_PKCS7(NULL, &at, n);
	if (signature && (at != der + n || !PKCS7_type_is_signed(signature))) {
		PKCS7_free(signature);
		signature = NULL;
	}
	ERR_clear_error();
	free(der);
	return signature;
}

/* Any line that holds is enough: there is one for each generation of keys. */
static enum detached_signature try_lines(char *text, const char *container, X509_STORE *store,
					 char why[LIMIT_DETAIL_BYTES])
{
	enum detached_signature best = DETACHED_BAD;
	char *rest = text, *line;
	int n = 0;

	(void)refuse(why, "its detached signature is of no known format");
	while ((line = strsep(&rest, "\n")) && n < LINES && best != DETACHED_GOOD) {
		const char *base64 = line[0] == '#' ? NULL : find_base64(line);
		PKCS7 *signature = base64 ? decode(base64) : NULL;

		if (!signature)
			continue;
		n++;
		if (best != DETACHED_EXPIRED)
			best = judge(signature, container, store, why);
		PKCS7_free(signature);
	}
	if (best == DETACHED_GOOD)
		why[0] = '\0';
	return best;
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
	if (len >= 0)
		return text;
	free(text);
	return NULL;
}

enum detached_signature detached_signature_check(const char *container, const char *sign,
						 struct span anchors, char why[LIMIT_DETAIL_BYTES])
{
	enum detached_signature state;
	char *text = read_sign(sign, &state, why);
	X509_STORE *store;

	if (!text)
		return state;
	why[0] = '\0';
	store = anchors.len ? make_store(anchors) : NULL;
	if (strncmp(text, MAGIC, strlen(MAGIC)) != 0)
		state = refuse(why, "its detached signature is of no known format");
	else if (!store)
		state = DETACHED_UNHELD;
	else
		state = try_lines(text, container, store, why);
	X509_STORE_free(store);
	free(text);
	return state;
}
