package org.userload.kvm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.userload.linux.Kvm;

/**
 * The CPU features that a guest sees: those of the host that KVM can give, without what is different on each of the host's own CPUs.
 * A guest can only go on where they are the same.
 */
final class CpuFeatures {
    private static final int HEADER = 8;
    private static final int ENTRY = 40;
    private static final int INDEX = 4;
    private static final int EBX = 16;
    private static final int EDX = 24;

    private final byte[] cpuid;

    /** As {@code struct kvm_cpuid2}; taken over. */
    CpuFeatures(byte[] cpuid) {
        this.cpuid = cpuid;
    }

    byte[] cpuid() {
        return cpuid.clone();
    }

    int bytes() {
        return cpuid.length;
    }

    static CpuFeatures ofHost(Kvm kvm) {
        byte[] cpuid = kvm.supportedCpuid();
        ByteBuffer entries = ByteBuffer.wrap(cpuid).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = HEADER; at < cpuid.length; at += ENTRY) {
            switch (entries.getInt(at)) {
                // The number of the CPU on which the question was asked.
                case 0x1 -> entries.putInt(at + EBX, entries.getInt(at + EBX) & 0xFFFFFF);
                case 0xB, 0x1F -> entries.putInt(at + EDX, 0);
                // The size of what is switched on in the one who asks.
                case 0xD -> {
                    if (entries.getInt(at + INDEX) < 2) {
                        entries.putInt(at + EBX, 0);
                    }
                }
                default -> {}
            }
        }
        return new CpuFeatures(cpuid);
    }

    /** The first difference from these, for people; null when there is none. */
    @Nullable
    String differenceFrom(CpuFeatures host) {
        byte[] there = cpuid;
        byte[] here = host.cpuid;
        ByteBuffer a = ByteBuffer.wrap(there).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer b = ByteBuffer.wrap(here).order(ByteOrder.LITTLE_ENDIAN);
        int entries = (Math.min(there.length, here.length) - HEADER) / ENTRY;
        for (int i = 0; i < entries; i++) {
            int at = HEADER + i * ENTRY;
            for (int word = 0; word < 7; word++) {
                int offset = at + 4 * word;
                if (a.getInt(offset) != b.getInt(offset)) {
                    return String.format(
                            Locale.ROOT,
                            "CPUID leaf 0x%x, index %d, %s: 0x%08x there, 0x%08x here",
                            a.getInt(at),
                            a.getInt(at + INDEX),
                            new String[] {"leaf", "index", "flags", "eax", "ebx", "ecx", "edx"}[word],
                            a.getInt(offset),
                            b.getInt(offset));
                }
            }
        }
        return there.length == here.length
                ? null
                : "CPUID with " + (there.length - HEADER) / ENTRY + " leaves there and "
                        + (here.length - HEADER) / ENTRY + " here";
    }
}
