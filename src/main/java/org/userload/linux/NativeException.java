package org.userload.linux;

/**
 * A system call failed. Carries the call, the errno and, where the call had one, the address range it was about.
 *
 * <p>The subclasses say what kind of answer fits: {@link NotPermittedException} needs a right, {@link
 * NotSupportedException} another kernel, {@link NativeResourceException} more memory or descriptors, {@link
 * NativeGoneException} means that the range or process vanished.
 */
public class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String call;
    private final int errno;
    private final long address;
    private final long length;

    NativeException(String call, int errno, long address, long length) {
        super(message(call, errno, address, length));
        this.call = call;
        this.errno = errno;
        this.address = address;
        this.length = length;
    }

    /** The C name of the call, for example {@code UFFDIO_COPY}. */
    public String call() {
        return call;
    }

    /** The error number as the kernel gave it, positive. */
    public int errno() {
        return errno;
    }

    /** First host address of the range the call was about, or 0 when it was about none. */
    public long address() {
        return address;
    }

    /** Length in bytes of that range, or 0. */
    public long length() {
        return length;
    }

    /** The exception for something that this kernel does not have. */
    public static NotSupportedException notSupported(String what) {
        return new NotSupportedException(what, Errno.EOPNOTSUPP, 0, 0);
    }

    private static String message(String call, int errno, long address, long length) {
        String where = length == 0 ? "" : String.format(" of %d bytes at 0x%x", length, address);
        return call + where + ": " + Errno.describe(errno);
    }

    /** The kernel refused for lack of a right: EPERM or EACCES. */
    public static final class NotPermittedException extends NativeException {
        private static final long serialVersionUID = 1;

        NotPermittedException(String call, int errno, long address, long length) {
            super(call, errno, address, length);
        }
    }

    /** This kernel does not know the call or the option: ENOSYS, ENOTTY, EOPNOTSUPP or ENODEV. */
    public static final class NotSupportedException extends NativeException {
        private static final long serialVersionUID = 1;

        NotSupportedException(String call, int errno, long address, long length) {
            super(call, errno, address, length);
        }
    }

    /** The system ran out of something: ENOMEM, EMFILE, ENFILE or ENOSPC. */
    public static final class NativeResourceException extends NativeException {
        private static final long serialVersionUID = 1;

        NativeResourceException(String call, int errno, long address, long length) {
            super(call, errno, address, length);
        }
    }

    /** The address range or the process is gone: ENOENT or ESRCH. */
    public static final class NativeGoneException extends NativeException {
        private static final long serialVersionUID = 1;

        NativeGoneException(String call, int errno, long address, long length) {
            super(call, errno, address, length);
        }
    }
}
