/* SPDX-License-Identifier: GPL-2.0-only */
#include "io/sha256.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
	EVP_MD_CTX *context;
};

void sha256_prepare(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL); /* refused: initialised before */
}

struct sha256 *sha256_new(void)
{
	struct sha256 *hash = malloc(sizeof(*hash));

	if (!hash)
		return NULL;
	hash->context = EVP_MD_CTX_new();
	return hash->context ? hash : sha256_free(hash);
}

struct sha256 *sha256_free(struct sha256 *hash)
{
	if (hash)
		EVP_MD_CTX_free(hash->context);
	free(hash);
	return NULL;
}

int sha256_begin(struct sha256 *hash)
{
	return EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

int sha256_add(struct sha256 *hash, const void *bytes, size_t len)
{
	return EVP_DigestUpdate(hash->context, bytes, len) == 1 ? 0 : -ENOMEM;
}

int sha256_end(struct sha256 *hash, uint8_t ret_digest[LIMIT_DIGEST_BYTES])
{
	return EVP_DigestFinal_ex(hash->context, ret_digest, NULL) == 1 ? 0 : -ENOMEM;
}

int sha256_of(const void *bytes, size_t len, uint8_t ret_digest[LIMIT_DIGEST_BYTES])
{
	return EVP_Digest(bytes, len, ret_digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}
