/*
 * The floor under every index of a tar: finds each header and does nothing with it.
 *
 *     header_scan TAR             one lseek and one read of 512 bytes a member, hopping over the data
 *     header_scan --through TAR   the whole file in reads of 1 MiB: faster where members are small
 *
 * Prints the number of headers. Knows octal and base-256 sizes, and no more of tar than that.
 */
#define _FILE_OFFSET_BITS 64
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 512, CHUNK = 1 << 20, SIZE_AT = 124, SIZE_LEN = 12 };

/* How far it is from a header to the next one; 0 at the end of the archive. */
static off_t stride(const unsigned char *header)
{
    const unsigned char *field = header + SIZE_AT;
    off_t size = 0;

    if (header[0] == 0)
        return 0;
    if (field[0] & 0x80)
        for (int i = 1; i < SIZE_LEN; i++)
            size = size << 8 | field[i];
    else
        for (int i = 0; i < SIZE_LEN && field[i] >= '0' && field[i] <= '7'; i++)
            size = size << 3 | (field[i] - '0');
    return BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
}

static long hop(int fd)
{
    unsigned char header[BLOCK];
    off_t at = 0, step;
    long headers = 0;

    for (;; at += step, headers++) {
        if (lseek(fd, at, SEEK_SET) < 0)
            err(1, "lseek");
        if (read(fd, header, BLOCK) != BLOCK || (step = stride(header)) == 0)
            return headers;
    }
}

static long through(int fd)
{
    static unsigned char chunk[CHUNK];
    off_t next = 0, start = 0, step;
    long headers = 0;
    ssize_t len;

    for (; (len = read(fd, chunk, CHUNK)) > 0; start += len)
        for (; next + BLOCK <= start + len; next += step, headers++)
            if ((step = stride(chunk + (next - start))) == 0)
                return headers;
    return headers;
}

int main(int argc, char **argv)
{
    int is_through = argc == 3 && strcmp(argv[1], "--through") == 0;
    if (argc != 2 + is_through)
        errx(2, "usage: header_scan [--through] TAR");
    int fd = open(argv[argc - 1], O_RDONLY);
    if (fd < 0)
        err(1, "%s", argv[argc - 1]);
    printf("%ld\n", is_through ? through(fd) : hop(fd));
}
