/*
 * Reads files whole, and does nothing with their bytes: as thin as a reader can be.
 *
 *     reader DIRECTORY    every file below it, in the order of its directories
 *     reader -            the files that standard input names, each name ended by a zero byte
 *
 * Prints the number of files and of bytes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 128 << 10 };

static long files, bytes;

static int open_or_end(int at, const char *name, int flags)
{
    int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
    if (fd < 0)
        err(1, "%s", name);
    return fd;
}

static void read_file(int at, const char *name)
{
    static char chunk[CHUNK];
    int fd = open_or_end(at, name, 0);
    ssize_t len;

    while ((len = read(fd, chunk, CHUNK)) > 0)
        bytes += len;
    if (len < 0)
        err(1, "%s", name);
    files++;
    close(fd);
}

static int type_of(int at, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(at, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
        err(1, "%s", entry->d_name);
    return IFTODT(st.st_mode);
}

static void read_tree(int at, const char *name)
{
    int fd = open_or_end(at, name, O_DIRECTORY);
    DIR *dir = fdopendir(fd);
    struct dirent *entry;

    if (!dir)
        err(1, "%s", name);
    while ((entry = readdir(dir))) {
        int type = type_of(fd, entry);
        if (type == DT_REG)
            read_file(fd, entry->d_name);
        else if (type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            read_tree(fd, entry->d_name);
    }
    closedir(dir);
}

static void read_named(void)
{
    char *name = NULL;
    size_t room = 0;

    while (getdelim(&name, &room, 0, stdin) > 0)
        read_file(AT_FDCWD, name);
    free(name);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: reader DIRECTORY | -");
    if (strcmp(argv[1], "-") == 0)
        read_named();
    else
        read_tree(AT_FDCWD, argv[1]);
    printf("%ld files, %ld bytes\n", files, bytes);
}
