package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.userload.linux.NativeException.NotPermittedException;
import org.userload.linux.Userfaultfd.Permission;

/** A fresh userfaultfd descriptor and how it was permitted, before the API handshake. */
record UffdDescriptor(int fd, Permission permission) {

    /** Opens by the first way that is permitted: system call, device, system call for user-mode faults only. */
    static UffdDescriptor open(boolean userModeOnlyAllowed) {
        int flags = UffdLayout.O_CLOEXEC | UffdLayout.O_NONBLOCK;
        long fd = LibC.C.syscall(UffdLayout.SYS_USERFAULTFD, flags);
        if (fd >= 0) {
            return new UffdDescriptor((int) fd, Permission.SYSTEM_CALL);
        }
        NativeException refused = NativeFailure.of("userfaultfd", LibC.errno());
        if (!(refused instanceof NotPermittedException)) {
            throw refused;
        }
        int device = LibC.C.open("/dev/userfaultfd", UffdLayout.O_CLOEXEC);
        if (device >= 0) {
            int fromDevice = LibC.C.ioctl(device, UffdLayout.USERFAULTFD_IOC_NEW, flags);
            LibC.C.close(device);
            if (fromDevice >= 0) {
                return new UffdDescriptor(fromDevice, Permission.DEVICE);
            }
        }
        if (userModeOnlyAllowed) {
            long limited = LibC.C.syscall(UffdLayout.SYS_USERFAULTFD, flags | UffdLayout.USER_MODE_ONLY);
            if (limited >= 0) {
                return new UffdDescriptor((int) limited, Permission.USER_MODE_ONLY);
            }
        }
        throw refused;
    }

    /** Agrees on the API with the given features; gives the mask of all features that the kernel offers. */
    long handshake(long features) {
        ByteBuffer argument = ByteBuffer.allocateDirect(24).order(ByteOrder.nativeOrder());
        argument.putLong(0, UffdLayout.API_VERSION);
        argument.putLong(8, features);
        int result = LibC.C.ioctl(fd, UffdLayout.UFFDIO_API, NativeBuffers.address(argument));
        NativeFailure.check("UFFDIO_API", result, 0, 0);
        long offered = argument.getLong(8);
        Reference.reachabilityFence(argument);
        return offered;
    }

    void close() {
        LibC.C.close(fd);
    }
}
