package org.userload.kvm;

import org.userload.linux.Kvm;
import org.userload.linux.NativeException;
import org.userload.linux.NativeException.NotPermittedException;

/** Opens KVM, or says why not and what to do. */
final class KvmAccess {
    private KvmAccess() {}

    static Kvm open() {
        try {
            return Kvm.open();
        } catch (NotPermittedException e) {
            throw new IllegalStateException(
                    "KVM cannot be used: " + e.getMessage() + "; run as root, or give this user the group of /dev/kvm",
                    e);
        } catch (NativeException e) {
            throw new IllegalStateException(
                    "KVM cannot be used: " + e.getMessage()
                            + "; it needs a CPU with virtualisation, switched on in its firmware and, in a virtual machine,"
                            + " nested virtualisation of the host (modprobe kvm_intel or kvm_amd; kvm_intel.nested=1 there)",
                    e);
        }
    }
}
