package org.userload.linux;

import org.userload.linux.NativeException.NativeGoneException;
import org.userload.linux.NativeException.NativeResourceException;
import org.userload.linux.NativeException.NotPermittedException;
import org.userload.linux.NativeException.NotSupportedException;

/** Maps an errno to the exception that carries it. The only place where that is decided. */
final class NativeFailure {
    private NativeFailure() {}

    /** The exception for a failed call that was about the range {@code [address, address + length)}. */
    static NativeException of(String call, int errno, long address, long length) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES -> new NotPermittedException(call, errno, address, length);
            case Errno.ENOSYS, Errno.ENOTTY, Errno.EOPNOTSUPP, Errno.ENODEV ->
                new NotSupportedException(call, errno, address, length);
            case Errno.ENOMEM, Errno.EMFILE, Errno.ENFILE, Errno.ENOSPC ->
                new NativeResourceException(call, errno, address, length);
            case Errno.ENOENT, Errno.ESRCH -> new NativeGoneException(call, errno, address, length);
            default -> new NativeException(call, errno, address, length);
        };
    }

    /** The exception for a failed call that was about no address range. */
    static NativeException of(String call, int errno) {
        return of(call, errno, 0, 0);
    }

    /** Throws when {@code result} is negative, else gives it back. Call right after the native call. */
    static long check(String call, long result, long address, long length) {
        if (result < 0) {
            throw of(call, LibC.errno(), address, length);
        }
        return result;
    }
}
