#pragma once

#include "custody/server/token_setup.h"
#include "ipc/channel.h"
#include "ipc/supervision.h"

namespace casemate::custody {

// Waits for the command's one kInit, makes the deployment, answers, and returns when the command
// says stop or is gone. Errors: the channel broke before anything was asked.
[[nodiscard]] Result<void> ServeInit(const ipc::SetupCustodian& setup, ReadyToken token,
                                     ipc::Channel supervisor, ipc::Channel command);

}  // namespace casemate::custody
