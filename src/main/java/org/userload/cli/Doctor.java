package org.userload.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.userload.destination.InterceptorChoice;
import org.userload.dirty.DirtyTracker;
import org.userload.dirty.DirtyTrackers;
import org.userload.dirty.TrackerChoice;
import org.userload.linux.NativeException;
import org.userload.linux.NativeShim;
import org.userload.linux.PageTouch;
import org.userload.linux.UffdFeature;
import org.userload.linux.Userfaultfd;
import org.userload.memory.GuestMemory;
import org.userload.memory.RegionTable;
import org.userload.transport.EventLoops;

/** Examines the machine. Tries each thing for real where that has no effect on the system. */
final class Doctor {
    private static final String USERFAULTFD = "userfaultfd";
    private static final String EPOLL = "epoll transport";

    /** One thing: there or not, how, and if not, what to do. */
    record Finding(String name, boolean present, String text) {}

    List<Finding> examine() {
        List<Finding> findings = new ArrayList<>();
        findings.add(
                new Finding("kernel", true, System.getProperty("os.name") + " " + System.getProperty("os.version")));
        findings.add(new Finding(
                "java", true, System.getProperty("java.version") + " (" + System.getProperty("java.vendor") + ")"));
        userfaultfd(findings);
        findings.add(signal());
        findings.add(writtenPages());
        findings.add(
                EventLoops.isEpoll()
                        ? new Finding(EPOLL, true, "loaded")
                        : new Finding(
                                EPOLL,
                                false,
                                EventLoops.whyNotEpoll()
                                        + "; sockets use NIO and faults are caught in software; use Linux on x86-64 or"
                                        + " aarch64, without -Dio.netty.transport.noNative=true"));
        findings.add(shim());
        findings.add(transparentHugePages());
        findings.add(reservedHugePages());
        findings.add(device(
                "kvm",
                Path.of("/dev/kvm"),
                "modprobe kvm, then give this user access to /dev/kvm: usermod -aG kvm USER"));
        findings.add(program("valgrind", "records traces", "apt-get install valgrind"));
        return findings;
    }

    /** Whether the userfaultfd interceptor can be used. */
    boolean canIntercept(List<Finding> findings) {
        return findings.stream()
                .filter(f -> f.name.equals(USERFAULTFD) || f.name.equals(EPOLL))
                .allMatch(Finding::present);
    }

    private static void userfaultfd(List<Finding> findings) {
        Userfaultfd.Builder builder = Userfaultfd.builder();
        for (UffdFeature feature : UffdFeature.values()) {
            if (feature != UffdFeature.SIGBUS) {
                builder.want(feature);
            }
        }
        try (Userfaultfd uffd = builder.open()) {
            String how = switch (uffd.permission()) {
                case SYSTEM_CALL -> "permitted by the system call, for user and kernel faults";
                case DEVICE -> "permitted by /dev/userfaultfd, for user and kernel faults";
                case USER_MODE_ONLY -> "permitted for user faults only";
            };
            findings.add(new Finding(USERFAULTFD, true, how));
            feature(
                    findings,
                    uffd.features(),
                    UffdFeature.POISON,
                    "a lost page is an error in every thread that touches it");
            feature(findings, uffd.features(), UffdFeature.EVENT_REMOVE, "dropped pages are noticed");
            feature(findings, uffd.features(), UffdFeature.MOVE, "pages are moved without a copy");
            feature(findings, uffd.features(), UffdFeature.WP_ASYNC, "written pages are found without faults");
            findings.add(new Finding(
                    "  touch",
                    true,
                    "missing pages are touched by " + PageTouch.choose().description()));
        } catch (NativeException e) {
            findings.add(new Finding(USERFAULTFD, false, e.getMessage() + "; " + InterceptorChoice.FIX));
        }
    }

    private static Finding signal() {
        String name = "signal interceptor";
        try {
            InterceptorChoice.SIGNAL.settled();
            return new Finding(name, true, "threads can fetch their own pages, from a source in another process");
        } catch (IllegalStateException e) {
            return new Finding(name, false, String.valueOf(e.getMessage()));
        }
    }

    private static void feature(List<Finding> findings, Set<UffdFeature> features, UffdFeature feature, String use) {
        boolean present = features.contains(feature);
        String text = present ? use : "needs Linux " + feature.since() + " or later: " + use;
        findings.add(new Finding("  " + feature.name().toLowerCase(Locale.ROOT), present, text));
    }

    /** Protects a page, writes it and looks whether the scan finds it. */
    private static Finding writtenPages() {
        String name = "written pages";
        try (GuestMemory memory = GuestMemory.present(RegionTable.single(1));
                DirtyTracker tracker = DirtyTrackers.open(memory, TrackerChoice.UFFD_WP)) {
            tracker.start();
            memory.putByte(0, (byte) 1);
            boolean[] found = new boolean[1];
            tracker.collect((region, first, count) -> found[0] = true);
            return new Finding(
                    name,
                    found[0],
                    found[0]
                            ? "tracked by asynchronous write protection and PAGEMAP_SCAN"
                            : "PAGEMAP_SCAN did not find a page that was written; use the access-layer tracker");
        } catch (IllegalStateException | NativeException e) {
            return new Finding(name, false, String.valueOf(e.getMessage()));
        }
    }

    private static Finding shim() {
        try {
            return new Finding(
                    "native shim", true, "version " + NativeShim.load().version());
        } catch (NativeShim.ShimMissingException e) {
            return new Finding("native shim", false, String.valueOf(e.getMessage()));
        }
    }

    private static Finding transparentHugePages() {
        String modes = read(Path.of("/sys/kernel/mm/transparent_hugepage/enabled"));
        boolean present = modes.contains("[always]") || modes.contains("[madvise]");
        return new Finding(
                "transparent huge pages",
                present,
                present ? modes : "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
    }

    private static Finding reservedHugePages() {
        String count = read(Path.of("/proc/sys/vm/nr_hugepages"));
        boolean present = !count.isEmpty() && !"0".equals(count);
        return new Finding(
                "reserved huge pages",
                present,
                present ? count + " pages" : "none; sysctl -w vm.nr_hugepages=512 for 1 GiB");
    }

    private static Finding device(String name, Path path, String fix) {
        boolean present = Files.isReadable(path) && Files.isWritable(path);
        return new Finding(name, present, present ? path + " can be opened" : fix);
    }

    private static Finding program(String name, String use, String fix) {
        String path = System.getenv().getOrDefault("PATH", "");
        Set<Path> found = Arrays.stream(path.split(":", -1))
                .map(directory -> Path.of(directory, name))
                .filter(Files::isExecutable)
                .collect(Collectors.toSet());
        return new Finding(name, !found.isEmpty(), found.isEmpty() ? fix : use);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).trim();
        } catch (IOException e) {
            return "";
        }
    }
}
