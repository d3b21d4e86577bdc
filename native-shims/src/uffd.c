#include "uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UFFD_FEATURE_MOVE
#define UFFD_FEATURE_MOVE (1 << 16)
#endif

/* struct uffdio_move and UFFDIO_MOVE of Linux 6.8. */
struct move {
    uint64_t target;
    uint64_t source;
    uint64_t bytes;
    uint64_t mode;
    int64_t moved;
};

#define MOVE _IOWR(UFFDIO, 0x05, struct move)

static int open_descriptor(void)
{
    int device;
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0 || errno != EPERM)
        return fd >= 0 ? fd : -errno;
    device = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
    if (device >= 0) {
        fd = ioctl(device, _IO(UFFDIO, 0x00), O_CLOEXEC | O_NONBLOCK);
        close(device);
        if (fd >= 0)
            return fd;
    }
    /* Faults of user mode are all that becomes a signal; so this is enough. */
    fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);
    return fd >= 0 ? fd : -errno;
}

static int agree(int fd, uint64_t features, uint64_t *offered)
{
    struct uffdio_api api = {.api = UFFD_API, .features = features};

    if (ioctl(fd, UFFDIO_API, &api) != 0)
        return -errno;
    *offered = api.features;
    return 0;
}

int userload_uffd_open(int *has_move)
{
    uint64_t offered = 0;
    int result;
    int fd = open_descriptor();

    if (fd < 0)
        return fd;
    result = agree(fd, 0, &offered);
    close(fd);
    if (result != 0)
        return result;
    if ((offered & UFFD_FEATURE_SIGBUS) == 0)
        return -EOPNOTSUPP;
    *has_move = (offered & UFFD_FEATURE_MOVE) != 0;
    fd = open_descriptor();
    if (fd < 0)
        return fd;
    result = agree(fd, UFFD_FEATURE_SIGBUS | (offered & UFFD_FEATURE_MOVE), &offered);
    if (result != 0) {
        close(fd);
        return result;
    }
    return fd;
}

int userload_uffd_register(int uffd, uint64_t start, uint64_t bytes)
{
    struct uffdio_register range = {
        .range = {.start = start, .len = bytes},
        .mode = UFFDIO_REGISTER_MODE_MISSING,
    };

    return ioctl(uffd, UFFDIO_REGISTER, &range) == 0 ? 0 : -errno;
}

int userload_uffd_unregister(int uffd, uint64_t start, uint64_t bytes)
{
    struct uffdio_range range = {.start = start, .len = bytes};

    return ioctl(uffd, UFFDIO_UNREGISTER, &range) == 0 ? 0 : -errno;
}

int userload_uffd_move(int uffd, uint64_t target, uint64_t source, uint64_t bytes)
{
    struct move move = {.target = target, .source = source, .bytes = bytes};

    return ioctl(uffd, MOVE, &move) == 0 ? 0 : -errno;
}
