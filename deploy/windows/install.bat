@echo off
rem Installs with 64-bit Python 3.11; see docs\how-to\windows.md (docs/how-to/windows.en.md).
rem All options are passed on: install.bat --home "D:\pankou" --xt
cd /d "%~dp0..\.."
set PYTHONUTF8=1
py -3.11 -m deploy.windows.install %*
exit /b %ERRORLEVEL%
