package org.userload.destination;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.fault.FaultInterceptor;
import org.userload.fault.SignalInterceptor;
import org.userload.fault.SoftwareInterceptor;
import org.userload.fault.UserfaultfdInterceptor;
import org.userload.linux.NativeException;
import org.userload.linux.NativeShim;
import org.userload.transport.EventLoops;

/** Which interceptor to use. */
public enum InterceptorChoice {
    /** userfaultfd where it is permitted and the loops use epoll, else software with a warning that names the fix. */
    AUTO,
    /** The kernel's userfaultfd, or an error. */
    USERFAULTFD,
    /** The page-access layer alone. */
    SOFTWARE,
    /** The thread that touches a page fetches it itself, in a signal handler, or an error. */
    SIGNAL;

    private static final Logger LOG = LoggerFactory.getLogger(InterceptorChoice.class);

    /** What makes userfaultfd available, for people. */
    public static final String FIX =
            "run as root, or: sysctl -w vm.unprivileged_userfaultfd=1, or give this user access to /dev/userfaultfd";

    /**
     * Opens the interceptor.
     *
     * @throws IllegalStateException when what was asked for cannot be had; the message says why and what to do
     */
    FaultInterceptor open(DestinationConfig config) {
        String why = this == SIGNAL ? whatSignalsCannot(config) : null;
        if (why != null) {
            throw new IllegalStateException("the signal interceptor cannot be used: " + why);
        }
        return open(config.trackRemovals());
    }

    private static @Nullable String whatSignalsCannot(DestinationConfig config) {
        if (config.link() != null) {
            return "its connections do not go over an emulated link; use userfaultfd there";
        }
        if (config.trackRemovals()) {
            return "it does not learn of dropped pages; use userfaultfd to track them";
        }
        if (config.prefetch().readsAhead()) {
            return "it does not see what is touched, so nothing can be read ahead; leave that to the stream (bubbling), or"
                    + " use userfaultfd";
        }
        return config.recordsWorkingSet()
                ? "it does not see in what order pages are touched; record the working set with userfaultfd"
                : null;
    }

    private FaultInterceptor open(boolean trackRemovals) {
        if (this == SOFTWARE) {
            return new SoftwareInterceptor();
        }
        if (this == SIGNAL) {
            return openSignal();
        }
        String why;
        try {
            if (EventLoops.isEpoll()) {
                return UserfaultfdInterceptor.open(trackRemovals);
            }
            why = "its fault descriptor needs the epoll transport, which is missing here: " + EventLoops.whyNotEpoll()
                    + "; use Linux on x86-64 or aarch64, without -Dio.netty.transport.noNative=true";
        } catch (NativeException e) {
            why = e.getMessage() + "; " + FIX;
        }
        if (this == USERFAULTFD) {
            throw new IllegalStateException("userfaultfd cannot be used: " + why);
        }
        LOG.warn("using the software interceptor, since userfaultfd cannot be used: {}", why);
        return new SoftwareInterceptor();
    }

    private static FaultInterceptor openSignal() {
        try {
            return SignalInterceptor.open();
        } catch (NativeShim.ShimMissingException e) {
            throw new IllegalStateException("the signal interceptor cannot be used: " + e.getMessage(), e);
        } catch (NativeException e) {
            throw new IllegalStateException("the signal interceptor cannot be used: " + e.getMessage() + "; " + FIX, e);
        }
    }

    /**
     * What {@link #AUTO} means here, found out once: the others stay what they are. Warns if it is not userfaultfd.
     *
     * @throws IllegalStateException as opening a destination would
     */
    public InterceptorChoice settled() {
        try (FaultInterceptor probe = open(false)) {
            if (this != AUTO) {
                return this;
            }
            return probe instanceof SoftwareInterceptor ? SOFTWARE : USERFAULTFD;
        }
    }

    /** The name used on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
