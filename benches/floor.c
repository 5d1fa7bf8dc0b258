/*
 * The floor under every FUSE file system: a daemon that knows all answers.
 *
 *     floor TABLE ARCHIVE MOUNTPOINT
 *
 * TABLE (benches/floor.py) holds each entry's attributes as the protocol has them, a directory's children side by
 * side; it is read into memory whole. The bytes of files are sent from a mapping of ARCHIVE. Nothing is merged, checked,
 * counted or kept, and one thread a processor waits for requests. What a mount needs more than this is the kernel's doing.
 * Mounts by itself, so it needs root; stays in the foreground and ends when it is unmounted.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* One entry of the table, whose number is its place in it; the root comes first. */
struct entry {
    uint64_t size, mtime;
    /* Where a file's bytes begin in the archive, a link's target in the names, a directory's children in the table. */
    uint64_t data;
    uint32_t mode, uid, gid, rdev;
    uint32_t name, name_len, children, parent;
};

enum { REQUEST = 64 << 10, LARGEST = 1 << 20, THREADS = 8 };

/* For ever, as far as the kernel's clock goes. */
static const uint64_t TTL = 1000000000;

static const struct entry *entries;
static const char *names, *archive;
static uint64_t count, archive_len;

static char *load(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        err(1, "%s", path);
    char *bytes = malloc(st.st_size);
    for (*len = 0; *len < (size_t)st.st_size;) {
        ssize_t n = read(fd, bytes + *len, st.st_size - *len);
        if (n <= 0)
            err(1, "%s", path);
        *len += n;
    }
    close(fd);
    return bytes;
}

static const char *map(const char *path, uint64_t *len)
{
    int fd = open(path, O_RDONLY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        err(1, "%s", path);
    *len = st.st_size;
    const char *bytes = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        err(1, "%s", path);
    close(fd);
    return bytes;
}

static void attributes(uint64_t no, struct fuse_attr *attr)
{
    const struct entry *e = &entries[no];

    *attr = (struct fuse_attr){
        .ino = no + 1,
        .size = S_ISDIR(e->mode) ? 0 : e->size,
        .blocks = S_ISREG(e->mode) ? (e->size + 511) / 512 : 0,
        .atime = e->mtime,
        .mtime = e->mtime,
        .ctime = e->mtime,
        .mode = e->mode,
        .nlink = 1,
        .uid = e->uid,
        .gid = e->gid,
        .rdev = e->rdev,
        .blksize = 4096,
    };
}

static void describe(uint64_t no, struct fuse_entry_out *out)
{
    *out = (struct fuse_entry_out){ .nodeid = no + 1, .entry_valid = TTL, .attr_valid = TTL };
    attributes(no, &out->attr);
}

static void reply(int fd, uint64_t unique, int error, const void *data, size_t len)
{
    struct fuse_out_header header = { .len = sizeof(header) + len, .error = error, .unique = unique };
    struct iovec parts[] = { { &header, sizeof(header) }, { (void *)data, len } };

    if (writev(fd, parts, len ? 2 : 1) < 0 && errno != ENOENT)
        warn("reply");
}

static int compare(const struct entry *e, const char *name, size_t len)
{
    int order = memcmp(names + e->name, name, e->name_len < len ? e->name_len : len);

    return order ? order : (e->name_len > len) - (e->name_len < len);
}

/* The number of a child; 0, which is nobody's, if there is none. */
static uint64_t find(const struct entry *dir, const char *name)
{
    size_t len = strlen(name);
    uint64_t low = dir->data, high = dir->data + dir->children;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int order = compare(&entries[middle], name, len);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* The entry at a position of a directory: itself, its parent, then its children. */
static uint64_t at_position(uint64_t dir, uint64_t position)
{
    if (position < 2)
        return position ? entries[dir].parent : dir;
    return entries[dir].data + position - 2;
}

static size_t list(uint64_t dir, uint64_t position, char *buffer, size_t size)
{
    size_t used = 0;

    for (; position < entries[dir].children + 2; position++) {
        uint64_t no = at_position(dir, position);
        const char *name = position < 2 ? ".." : names + entries[no].name;
        size_t name_len = position < 2 ? position + 1 : entries[no].name_len;
        size_t len = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + name_len);
        struct fuse_direntplus *out = (void *)(buffer + used);
        if (used + len > size)
            break;
        memset(buffer + used + len - 8, 0, 8);
        describe(no, &out->entry_out);
        out->dirent.ino = no + 1;
        out->dirent.off = position + 1;
        out->dirent.namelen = name_len;
        out->dirent.type = entries[no].mode >> 12;
        memcpy(out->dirent.name, name, name_len);
        used += len;
    }
    return used;
}

static void answer(int fd, const struct fuse_in_header *in, const void *arg, char *buffer)
{
    uint64_t no = in->nodeid - 1;
    const struct entry *e = &entries[no < count ? no : 0];
    const struct fuse_read_in *read = arg;
    struct fuse_entry_out entry = { .entry_valid = TTL };
    struct fuse_attr_out attr = { .attr_valid = TTL };
    struct fuse_statfs_out statfs = { .st = { .bsize = 4096, .frsize = 4096, .namelen = 255, .files = count } };
    uint64_t found, len;

    switch (in->opcode) {
    case FUSE_LOOKUP:
        if ((found = find(e, arg)))
            describe(found, &entry);
        return reply(fd, in->unique, 0, &entry, sizeof(entry));
    case FUSE_GETATTR:
        attributes(no, &attr.attr);
        return reply(fd, in->unique, 0, &attr, sizeof(attr));
    case FUSE_READDIRPLUS:
        len = list(no, read->offset, buffer, read->size < LARGEST ? read->size : LARGEST);
        return reply(fd, in->unique, 0, buffer, len);
    case FUSE_READ:
        len = read->offset < e->size ? e->size - read->offset : 0;
        len = len < read->size ? len : read->size;
        return reply(fd, in->unique, 0, archive + e->data + read->offset, len);
    case FUSE_READLINK:
        return reply(fd, in->unique, 0, names + e->data, e->size);
    case FUSE_STATFS:
        return reply(fd, in->unique, 0, &statfs, sizeof(statfs));
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        return;
    default:
        return reply(fd, in->unique, -ENOSYS, NULL, 0);
    }
}

static void shake_hands(int fd)
{
    alignas(8) char request[REQUEST];
    const struct fuse_in_header *in = (void *)request;
    const struct fuse_init_in *init = (void *)(in + 1);

    if (read(fd, request, REQUEST) < (ssize_t)(sizeof(*in) + 16) || in->opcode != FUSE_INIT)
        errx(1, "no handshake");
    struct fuse_init_out out = {
        .major = FUSE_KERNEL_VERSION,
        .minor = FUSE_KERNEL_MINOR_VERSION,
        .max_readahead = init->max_readahead,
        .max_background = 16,
        .congestion_threshold = 12,
        /* Nobody writes; a request's buffer has to hold as much. */
        .max_write = 4096,
        .max_pages = LARGEST / 4096,
        .time_gran = 1,
        .flags = init->flags & (FUSE_ASYNC_READ | FUSE_DO_READDIRPLUS | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |
                                FUSE_CACHE_SYMLINKS | FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT),
    };
    reply(fd, in->unique, 0, &out, sizeof(out));
}

static void *serve(void *of)
{
    int fd = *(int *)of;
    alignas(8) static _Thread_local char request[REQUEST], buffer[LARGEST];

    for (;;) {
        if (read(fd, request, REQUEST) >= 0)
            answer(fd, (void *)request, request + sizeof(struct fuse_in_header), buffer);
        else if (errno != ENOENT && errno != EINTR && errno != EAGAIN)
            return NULL;
    }
}

int main(int argc, char **argv)
{
    static int fds[THREADS];
    pthread_t threads[THREADS];
    char options[100];
    size_t len;
    int n = sysconf(_SC_NPROCESSORS_ONLN);

    if (argc != 4)
        errx(2, "usage: floor TABLE ARCHIVE MOUNTPOINT");
    const char *table = load(argv[1], &len);
    memcpy(&count, table, sizeof(count));
    entries = (const void *)(table + sizeof(count));
    names = (const char *)(entries + count);
    archive = map(argv[2], &archive_len);
    if ((fds[0] = open("/dev/fuse", O_RDWR)) < 0)
        err(1, "/dev/fuse");
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions", fds[0]);
    if (mount("floor", argv[3], "fuse.floor", MS_RDONLY | MS_NOSUID | MS_NODEV, options))
        err(1, "%s", argv[3]);
    shake_hands(fds[0]);
    n = n < THREADS ? n : THREADS;
    for (int i = 1; i < n; i++) {
        fds[i] = open("/dev/fuse", O_RDWR);
        if (fds[i] < 0 || ioctl(fds[i], FUSE_DEV_IOC_CLONE, &fds[0]))
            err(1, "/dev/fuse");
    }
    for (int i = 0; i < n; i++)
        pthread_create(&threads[i], NULL, serve, &fds[i]);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
