package org.userload.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import jnr.ffi.LibraryLoader;
import jnr.ffi.annotations.IgnoreError;
import jnr.ffi.types.size_t;

/**
 * The C library of {@code native-shims/}, loaded from the jar.
 *
 * <p>It is missing when Userload was built without a C compiler; then {@link #load} throws {@link ShimMissingException}
 * that says so, and only what needs the shim is affected.
 */
public final class NativeShim {
    /** The version that this class speaks; the library has its own and they must agree. */
    private static final int VERSION = 2;

    private final Calls calls;

    private NativeShim(Calls calls) {
        this.calls = calls;
    }

    /** The shim's functions. Public only because JNR-FFI implements it from another class loader. */
    public interface Calls {
        @IgnoreError
        int userload_shim_version();

        @IgnoreError
        int userload_touch(long address, @size_t long length, @size_t long pageBytes);

        @IgnoreError
        int userload_session_open(long options);

        @IgnoreError
        int userload_session_fetch(int handle, long address);

        @IgnoreError
        long userload_session_copy(int handle, long target, long source, long bytes);

        @IgnoreError
        long userload_session_zero(int handle, long target, long bytes);

        @IgnoreError
        int userload_session_drop(int handle, long target, long bytes);

        @IgnoreError
        int userload_session_collect(int handle, long out, int most);

        @IgnoreError
        int userload_session_counts(int handle, long out);

        @IgnoreError
        int userload_session_latencies(int handle, long out, int buckets);

        @IgnoreError
        int userload_session_fail(int handle);

        @IgnoreError
        int userload_session_end(int handle);
    }

    /** There is no usable shim in this build. */
    public static final class ShimMissingException extends RuntimeException {
        private static final long serialVersionUID = 1;

        ShimMissingException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** Loads the library that fits this machine. */
    public static NativeShim load() {
        String machine = "aarch64".equals(System.getProperty("os.arch")) ? "aarch64" : "x86_64";
        String resource = "native/" + machine + "/libuserload.so";
        try (InputStream in = NativeShim.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IOException("no " + resource + " in this build");
            }
            // Once it is loaded the file is not needed, so nothing is left behind.
            Path file = Files.createTempFile("libuserload", ".so");
            try {
                Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
                return checked(
                        LibraryLoader.create(Calls.class).failImmediately().load(file.toString()));
            } finally {
                Files.delete(file);
            }
        } catch (IOException | UnsatisfiedLinkError e) {
            throw new ShimMissingException(
                    "the native shim cannot be loaded (" + e.getMessage()
                            + "); install a C compiler (on Debian: apt-get install gcc libc6-dev) and build again",
                    e);
        }
    }

    /**
     * The one that this process shares: its table of sessions and its signal handler are there once.
     *
     * @throws ShimMissingException as {@link #load}
     */
    public static NativeShim shared() {
        if (Shared.OUTCOME instanceof NativeShim shim) {
            return shim;
        }
        throw (ShimMissingException) Shared.OUTCOME;
    }

    /** Loaded when it is asked for first. */
    private static final class Shared {
        static final Object OUTCOME = outcome();

        private static Object outcome() {
            try {
                return load();
            } catch (ShimMissingException e) {
                return e;
            }
        }
    }

    Calls calls() {
        return calls;
    }

    private static NativeShim checked(Calls calls) throws IOException {
        int version = calls.userload_shim_version();
        if (version != VERSION) {
            throw new IOException("it has version " + version + ", not " + VERSION);
        }
        return new NativeShim(calls);
    }

    public int version() {
        return calls.userload_shim_version();
    }

    /** Reads the first byte of every page of a range in user mode, from native code. */
    public void touch(long address, long length, int pageBytes) {
        calls.userload_touch(address, length, pageBytes);
    }
}
