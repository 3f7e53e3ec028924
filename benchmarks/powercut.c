/* A medium that forgets: what was not flushed can be taken back after a kill, as a power cut may do.
 *
 * Loaded with LD_PRELOAD into a process and all that it starts. For each file below POWERCUT_ROOT it notes in
 * POWERCUT_LOG, on the same file system, what a write or a cut replaces, and forgets these notes when the file is
 * flushed. For each directory it notes what a name stood for, with a second link to the file, and forgets it when the
 * directory is flushed. benchmarks/powercut.py takes back what is noted. Notes are written before the deed, with plain
 * system calls, so that they outlive SIGKILL.
 *
 * <inode>.bytes: records of {offset, length, size before} as 64-bit integers and the bytes that stood there.
 * <inode>.names: lines "N name" (no such name), "D name" (no such directory), "K kept name" (a link in keep/),
 * "M name" (a directory that is gone). Files ending in -shm are SQLite's shared memory, which is made anew, and are
 * left out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FDS 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX], notes[PATH_MAX];
static size_t root_length;
static unsigned char watched[MOST_FDS];
static unsigned long kept_count;

#define REAL(name) ((__typeof__(&name))real_of(#name))

static void *real_of(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) { fprintf(stderr, "powercut: no %s\n", name); abort(); }
    return found;
}

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("POWERCUT_ROOT"), *log = getenv("POWERCUT_LOG");
    if (at && log && realpath(at, root) && realpath(log, notes)) root_length = strlen(root);
}

static void fail(const char *what) {
    dprintf(2, "powercut: %s: %s\n", what, strerror(errno));
    abort();
}

static int below(const char *path) {
    return root_length && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

/* The directory of a path, resolved, and its last part; false when it is not below the root. */
static int place_of(int at, const char *path, char *directory, char *name) {
    char joined[PATH_MAX], copy[PATH_MAX];
    if (!root_length || !path) return 0;
    if (path[0] == '/' || at == AT_FDCWD) {
        if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy) return 0;
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        ssize_t size = readlink(link, joined, sizeof joined - 1);
        if (size < 0) return 0;
        joined[size] = 0;
        if (snprintf(copy, sizeof copy, "%s/%s", joined, path) >= (int)sizeof copy) return 0;
    }
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/') copy[--length] = 0;
    char *slash = strrchr(copy, '/');
    snprintf(name, NAME_MAX + 1, "%s", slash ? slash + 1 : copy);
    if (slash) *(slash == copy ? slash + 1 : slash) = 0;
    if (!realpath(slash ? copy : ".", directory)) return 0;
    return below(directory);
}

static int is_shared_memory(const char *name) {
    size_t length = strlen(name);
    return length > 4 && !strcmp(name + length - 4, "-shm");
}

static int note_file(ino_t inode, const char *kind, int flags) {
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%lu.%s", notes, (unsigned long)inode, kind);
    return (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
}

static void put(int fd, const void *data, size_t length) {
    const char *next = data;
    while (length) {
        ssize_t done = syscall(SYS_write, fd, next, length);
        if (done < 0) fail("a note cannot be written");
        next += done;
        length -= (size_t)done;
    }
}

/* Note what stands in a file from `offset` on, `length` bytes of it, before it is replaced. */
static void note_bytes(int fd, off_t offset, uint64_t length) {
    struct stat facts;
    if (fstat(fd, &facts) || !S_ISREG(facts.st_mode)) return;
    uint64_t size = (uint64_t)facts.st_size, start = (uint64_t)offset;
    uint64_t kept = start >= size ? 0 : (length < size - start ? length : size - start);
    uint64_t head[3] = {start, kept, size};
    char *record = malloc(sizeof head + kept);
    if (!record) fail("memory");
    memcpy(record, head, sizeof head);
    for (uint64_t done = 0; done < kept;) {
        char self[64];
        snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
        int reader = (int)syscall(SYS_openat, AT_FDCWD, self, O_RDONLY | O_CLOEXEC, 0);
        ssize_t got = reader < 0 ? -1 : syscall(SYS_pread64, reader, record + sizeof head + done, kept - done, start + done);
        if (reader >= 0) syscall(SYS_close, reader);
        if (got <= 0) fail("a file cannot be read");
        done += (uint64_t)got;
    }
    int note = note_file(facts.st_ino, "bytes", O_APPEND);
    if (note < 0) fail("a note cannot be opened");
    put(note, record, sizeof head + kept);
    syscall(SYS_close, note);
    free(record);
}

static void forget(ino_t inode, const char *kind) {
    int note = note_file(inode, kind, O_TRUNC);
    if (note >= 0) syscall(SYS_close, note);
}

/* Note what `name` stands for in a directory, before that changes. */
static void note_name(const char *directory, const char *name, int is_directory) {
    char path[2 * PATH_MAX], kept[PATH_MAX + 64], line[PATH_MAX];
    struct stat facts, parent;
    if (is_shared_memory(name) || stat(directory, &parent)) return;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (lstat(path, &facts)) {
        snprintf(line, sizeof line, "%c %s\n", is_directory ? 'D' : 'N', name);
    } else if (S_ISDIR(facts.st_mode)) {
        snprintf(line, sizeof line, "M %s\n", name);
    } else {
        unsigned long number = kept_count++;
        snprintf(kept, sizeof kept, "%s/keep/%d-%lu", notes, (int)getpid(), number);
        if (syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0)) fail("a name cannot be kept");
        snprintf(line, sizeof line, "K %d-%lu %s\n", (int)getpid(), number, name);
    }
    int note = note_file(parent.st_ino, "names", O_APPEND);
    if (note < 0) fail("a note cannot be opened");
    put(note, line, strlen(line));
    syscall(SYS_close, note);
}

/* A name changes: note it under the lock, which the caller holds while it does the deed. */
static int note_place(int at, const char *path, int is_directory) {
    char directory[PATH_MAX], name[NAME_MAX + 1];
    if (!place_of(at, path, directory, name)) return 0;
    note_name(directory, name, is_directory);
    return 1;
}

static int open_file(int at, const char *path, int flags, mode_t mode) {
    char directory[PATH_MAX], name[NAME_MAX + 1];
    if (!place_of(at, path, directory, name) || is_shared_memory(name)) {
        int fd = (int)syscall(SYS_openat, at, path, flags, mode);
        if (fd >= 0 && fd < MOST_FDS) {
            char full[PATH_MAX];
            /* the root itself, which has no parent below it */
            watched[fd] = (flags & O_DIRECTORY) && root_length && realpath(path, full) && !strcmp(full, root);
        }
        return fd;
    }
    pthread_mutex_lock(&lock);
    struct stat facts;
    char full[2 * PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", directory, name);
    int was_there = !stat(full, &facts);
    if (!was_there && (flags & O_CREAT)) note_name(directory, name, 0);
    if (was_there && (flags & O_TRUNC) && S_ISREG(facts.st_mode) && (flags & O_ACCMODE) != O_RDONLY) {
        int fd = (int)syscall(SYS_openat, at, path, O_RDWR | O_CLOEXEC, 0);
        if (fd >= 0) {
            note_bytes(fd, 0, (uint64_t)facts.st_size);
            syscall(SYS_close, fd);
        }
    }
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    int problem = errno;
    if (fd >= 0 && fd < MOST_FDS) {
        watched[fd] = 1;
        /* a new file may have the number of one that is gone */
        if (!was_there && !fstat(fd, &facts)) forget(facts.st_ino, "bytes");
    }
    pthread_mutex_unlock(&lock);
    errno = problem;
    return fd;
}

static mode_t mode_of(int flags, va_list more) {
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(more, unsigned) : 0;
}

#define OPEN(name, extra)                                                                                              \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode_t mode = mode_of(flags, more);                                                                            \
        va_end(more);                                                                                                  \
        return open_file(AT_FDCWD, path, flags | (extra), mode);                                                       \
    }
#define OPENAT(name)                                                                                                   \
    int name(int at, const char *path, int flags, ...) {                                                               \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        mode_t mode = mode_of(flags, more);                                                                            \
        va_end(more);                                                                                                  \
        return open_file(at, path, flags, mode);                                                                       \
    }
OPEN(open, 0)
OPEN(open64, 0)
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
    if (fd >= 0 && fd < MOST_FDS) watched[fd] = 0;
    return REAL(close)(fd);
}

static int is_watched(int fd) { return fd >= 0 && fd < MOST_FDS && watched[fd]; }

static off_t place_in(int fd) {
    struct stat facts;
    if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &facts) ? 0 : facts.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *data, size_t length) {
    if (!is_watched(fd)) return syscall(SYS_write, fd, data, length);
    pthread_mutex_lock(&lock);
    note_bytes(fd, place_in(fd), length);
    ssize_t done = syscall(SYS_write, fd, data, length);
    int problem = errno;
    pthread_mutex_unlock(&lock);
    errno = problem;
    return done;
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    if (!is_watched(fd)) return syscall(SYS_writev, fd, pieces, count);
    size_t length = 0;
    for (int number = 0; number < count; number++) length += pieces[number].iov_len;
    pthread_mutex_lock(&lock);
    note_bytes(fd, place_in(fd), length);
    ssize_t done = syscall(SYS_writev, fd, pieces, count);
    int problem = errno;
    pthread_mutex_unlock(&lock);
    errno = problem;
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    if (!is_watched(fd)) return syscall(SYS_pwrite64, fd, data, length, offset);
    pthread_mutex_lock(&lock);
    note_bytes(fd, offset, length);
    ssize_t done = syscall(SYS_pwrite64, fd, data, length, offset);
    int problem = errno;
    pthread_mutex_unlock(&lock);
    errno = problem;
    return done;
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }

int ftruncate64(int fd, off64_t size) {
    if (!is_watched(fd)) return (int)syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    note_bytes(fd, size, UINT64_MAX / 2);
    int done = (int)syscall(SYS_ftruncate, fd, size);
    int problem = errno;
    pthread_mutex_unlock(&lock);
    errno = problem;
    return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* Nobody here may use what goes around the notes. */
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
    if (!is_watched(out)) return syscall(SYS_copy_file_range, in, from, out, to, length, flags);
    errno = EXDEV;
    return -1;
}
ssize_t sendfile64(int out, int in, off64_t *offset, size_t length) {
    if (!is_watched(out)) return syscall(SYS_sendfile, out, in, offset, length);
    errno = ENOTSUP;
    return -1;
}
ssize_t sendfile(int out, int in, off_t *offset, size_t length) { return sendfile64(out, in, offset, length); }
int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    if (!is_watched(fd)) return (int)syscall(SYS_fallocate, fd, mode, offset, length);
    errno = EOPNOTSUPP;
    return -1;
}
int fallocate(int fd, int mode, off_t offset, off_t length) { return fallocate64(fd, mode, offset, length); }

static int flushed(int fd) {
    struct stat facts;
    if (!is_watched(fd) || fstat(fd, &facts)) return 0;
    pthread_mutex_lock(&lock);
    forget(facts.st_ino, S_ISDIR(facts.st_mode) ? "names" : "bytes");
    pthread_mutex_unlock(&lock);
    return 1;
}
/* What is flushed here need not reach the real medium: the machine itself goes on. */
int fsync(int fd) { return flushed(fd) ? 0 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return flushed(fd) ? 0 : (int)syscall(SYS_fdatasync, fd); }

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    pthread_mutex_lock(&lock);
    int is_moved = note_place(to_at, to, 0);
    is_moved |= note_place(from_at, from, 0);
    int done = (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    int problem = errno;
    pthread_mutex_unlock(&lock);
    (void)is_moved;
    errno = problem;
    return done;
}
int renameat(int from_at, const char *from, int to_at, const char *to) { return renameat2(from_at, from, to_at, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    pthread_mutex_lock(&lock);
    note_place(to_at, to, 0);
    int done = (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
    int problem = errno;
    pthread_mutex_unlock(&lock);
    errno = problem;
    return done;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int at, const char *path, int flags) {
    pthread_mutex_lock(&lock);
    note_place(at, path, 0);
    int done = (int)syscall(SYS_unlinkat, at, path, flags);
    int problem = errno;
    pthread_mutex_unlock(&lock);
    errno = problem;
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
    struct stat facts;
    return lstat(path, &facts) ? -1 : unlinkat(AT_FDCWD, path, S_ISDIR(facts.st_mode) ? AT_REMOVEDIR : 0);
}

int mkdirat(int at, const char *path, mode_t mode) {
    struct stat facts;
    pthread_mutex_lock(&lock);
    if (fstatat(at, path, &facts, AT_SYMLINK_NOFOLLOW)) note_place(at, path, 1);
    int done = (int)syscall(SYS_mkdirat, at, path, mode);
    int problem = errno;
    pthread_mutex_unlock(&lock);
    errno = problem;
    return done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
